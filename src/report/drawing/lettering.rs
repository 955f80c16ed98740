//! Texts within a picture: how wide they are, where they are broken, and what of them can be written.

/// The text without the characters that XML has no way to write.
pub(super) fn writable(text: &str) -> String {
    let has_no_place = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if has_no_place(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The lines of a text that has `width` pixels.
pub(super) fn wrapped(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width_of(line, size) + width_of(" ", size) + width_of(word, size) <= width => {
                *line = format!("{line} {word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// About how many pixels a text takes in the widest of the usual fonts; a picture does not know in which it will be shown.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    let of_char = |c: char| match c {
        ' ' | '.' | ',' | ':' | ';' | '!' | '|' | '\'' | 'i' | 'j' | 'l' | 'I' => 0.32,
        '(' | ')' | '[' | ']' | '/' | '-' | 'f' | 'r' | 't' | '\u{2070}'..='\u{207f}' | '¹' | '²' | '³' => 0.41,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '=' | '+' | '<' | '>' | '…' => 0.93,
        // Letters of East Asia, and pictures.
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => 1.0,
        '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'.. => 1.0,
        c if c.is_uppercase() => 0.71,
        _ => 0.62,
    };
    size * text.chars().map(of_char).sum::<f64>()
}
