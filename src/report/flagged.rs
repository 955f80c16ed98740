//! Texts that name flags, for a page: a flag is not broken at its hyphens, and looks as it is typed.

/// A part of a text: a flag, or what is between flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: String,
    pub is_flag: bool,
}

/// The parts of a text in their order.
pub(super) fn flagged(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_flag = rest.starts_with("--") && rest[2..].starts_with(|c: char| c.is_ascii_lowercase());
        let end = match is_flag {
            true => rest.find(|c: char| !(c == '-' || c.is_ascii_lowercase())),
            false => rest.char_indices().skip(1).find(|(i, _)| rest[*i..].starts_with("--")).map(|(i, _)| i),
        };
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(Piece { text: piece.to_owned(), is_flag });
        rest = behind;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_told_from_what_is_between_them() {
        let pieces = |text| flagged(text).into_iter().map(|piece| (piece.is_flag, piece.text)).collect::<Vec<_>>();
        let expected = [
            (false, "try "),
            (true, "--init-scale"),
            (false, " he ("),
            (true, "--resume"),
            (false, " too) -- or 1e-4"),
        ];
        let found = pieces("try --init-scale he (--resume too) -- or 1e-4");
        let joined: String = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(joined, "try --init-scale he (--resume too) -- or 1e-4");
        assert_eq!(found[..4], expected[..4].iter().map(|(is, text)| (*is, (*text).to_owned())).collect::<Vec<_>>());
        assert!(pieces("").is_empty() && pieces("--lang を")[0] == (true, "--lang".to_owned()));
    }
}
