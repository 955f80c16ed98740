//! What a file is, as far as its first bytes tell: what every reader says of a file that it does not read.
//!
//! People save a page in place of a download, clone a repository without its large files, forget to unpack an archive. An
//! error that calls the file by what it is says what to do as well.

use std::fmt;
use std::io::Read;
use std::path::Path;

use super::OpenError;

/// This many bytes of a file are enough to tell what it is.
pub(crate) const START_LEN: usize = 512;
/// How many characters of a text are shown.
const MAX_SHOWN: usize = 40;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// There is nothing in it.
    Empty,
    /// Compressed by gzip.
    Gzip,
    /// NumPy's archive of arrays.
    Npz,
    /// NumPy's file of a single array.
    Npy,
    /// Python's file of any objects.
    Pickle,
    /// Something else that is known, in words that say what to do with it.
    Known(&'static str),
    /// A message of a server, or another text for programs: what kind of text it is, and how it begins.
    Message(&'static str, String),
    /// Any other text, and how it begins.
    Text(String),
    /// Anything else.
    Binary,
}

/// What files begin with that are known, and what they are.
const KNOWN: [(&[u8], &str); 26] = [
    (
        b"version https://git-lfs",
        "a Git LFS pointer, which stands for a file that is not there: git lfs pull fetches it",
    ),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it"),
    (b"\xfd7zXZ\0", "a file compressed by xz: unpack it"),
    (b"BZh", "a file compressed by bzip2: unpack it"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd: unpack it"),
    (b"\x1f\x9d", "a file compressed by compress (.Z): unpack it"),
    (
        b"MATLAB 5.0",
        "a file of MATLAB (.mat): scipy.io.loadmat reads it, and numpy.savez makes an archive of its arrays",
    ),
    (
        b"\x89HDF\r\n",
        "an HDF5 file (.h5, or .mat of MATLAB 7.3): h5py reads it, and numpy.savez makes an archive of its arrays",
    ),
    (b"PAR1", "a Parquet file: pandas.read_parquet reads it, and to_csv(…, index=False) makes a table of it"),
    (b"SQLite format 3", "a database of SQLite"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"BM", "a picture (BMP)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"\xff\xfe", "a text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "a text in UTF-16: save it as UTF-8"),
    (b"\0\0\x08\x03", "a file of images (IDX)"),
    (b"\0\0\x08\x01", "a file of labels (IDX)"),
    (b"\x03\x08\0\0", REVERSED),
    (b"\x01\x08\0\0", REVERSED),
    (b"PK\x05\x06", "a zip archive with nothing in it"),
    (b"PK\x07\x08", "a part of a zip archive of several parts"),
];

/// What an IDX file is whose header was written with the least significant bytes first.
pub(crate) const REVERSED: &str = "an IDX file whose header is little-endian, its bytes in reverse order: IDX is big-endian, and dtype \">i4\" \
                        writes the header so";
const ZIP: &str = "a zip archive: unpack it";

impl Form {
    /// What begins with these bytes, [`START_LEN`] of them or all that there are.
    pub(crate) fn of(start: &[u8]) -> Self {
        let known = KNOWN.iter().find(|(beginning, _)| start.starts_with(beginning));
        match *start {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if start.starts_with(b"\x93NUMPY") => Self::Npy,
            _ if start.starts_with(b"PK\x03\x04") => of_zip(start),
            // Protocol 0 is a text, and hardly to be told from others.
            [0x80, 2..=5, ..] => Self::Pickle,
            _ if known.is_some_and(|(beginning, _)| beginning.len() > 2 || !is_text(start)) => {
                Self::Known(known.expect("it is some").1)
            }
            _ if start.get(257..262) == Some(b"ustar") => Self::Known("a tar archive: unpack it"),
            _ if is_tf_record(start) => Self::Known(
                "a file of TensorFlow's records (.tfrecord): TensorFlow reads it, and numpy.savez makes an archive of its arrays",
            ),
            _ if is_text(start) => of_text(&String::from_utf8_lossy(start)),
            _ => Self::Binary,
        }
    }

    /// What a file is.
    pub(crate) fn of_file(path: &Path) -> Result<Self, OpenError> {
        let mut start = Vec::new();
        super::open(path)?.0.take(START_LEN as u64).read_to_end(&mut start)?;
        Ok(Self::of(&start))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty file"),
            Self::Gzip => f.write_str("a file compressed by gzip: unpack it"),
            Self::Npz => f.write_str("an archive of arrays (.npz)"),
            Self::Npy => f.write_str("a single array (.npy)"),
            Self::Pickle => f.write_str("a pickle, which is never read, as it may run any program"),
            Self::Known(what) => f.write_str(what),
            Self::Message(what, begins) => write!(f, "{what}; it begins with \"{begins}\""),
            Self::Text(begins) if begins_table(begins) => write!(f, "a table (CSV) that begins with \"{begins}\""),
            Self::Text(begins) => write!(f, "a text that begins with \"{begins}\""),
            Self::Binary => f.write_str("data of no kind that is known here"),
        }
    }
}

/// Archives are told by the name of what lies in them first.
fn of_zip(start: &[u8]) -> Form {
    let name_len = start.get(26..28).map_or(0, |bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    let name = start.get(30..).unwrap_or(&[]);
    let name = &name[..name_len.min(name.len())];
    match name {
        name if name.ends_with(b".npy") => Form::Npz,
        name if name.ends_with(b"data.pkl") => Form::Known(
            "a file of PyTorch (.pt), which holds a pickle: torch.load reads it, and numpy.savez makes an archive of it",
        ),
        b"[Content_Types].xml" => Form::Known("a workbook of Excel (.xlsx): save the sheet as CSV"),
        _ => Form::Known(ZIP),
    }
}

/// A record begins with its length, a check sum of that, and the field 1 of a message that is nearly as long.
fn is_tf_record(start: &[u8]) -> bool {
    let Some((length, rest)) = start.split_first_chunk::<8>() else { return false };
    (1..1 << 24).contains(&u64::from_le_bytes(*length)) && rest.get(4) == Some(&0x0a)
}

/// Whether it is a text, be it in an encoding of old.
fn is_text(start: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\x0c\r\x1b".contains(byte) || *byte == 0x7f;
    // The start may end within a character.
    let is_utf_8 = std::str::from_utf8(start).map_or_else(|error| error.valid_up_to() + 4 > start.len(), |_| true);
    let n_ascii = start.iter().filter(|byte| byte.is_ascii()).count();
    !start.iter().any(is_control) && (is_utf_8 || 4 * n_ascii >= 3 * start.len())
}

fn of_text(text: &str) -> Form {
    let text = text.trim_start_matches('\u{feff}').trim();
    let lower = text.to_lowercase();
    let begins = || -> String {
        let shown: String = text.chars().take_while(|c| !c.is_control()).take(MAX_SHOWN).collect();
        shown.trim_end().replace('"', "'")
    };
    let first_line = text.lines().next().unwrap_or_default();
    match lower.as_str() {
        "" => Form::Known("a text of blanks alone"),
        html if html.starts_with("<!doctype html") || html.contains("<html") || html.starts_with("<head") => {
            Form::Known(
                "a web page (HTML), as browsers save and servers send it in place of a file: download the file itself",
            )
        }
        xml if xml.starts_with("<?xml") || xml.starts_with('<') && xml.contains("</") => {
            Form::Message("an XML text, as servers send it in place of a file that they do not give", begins())
        }
        json if json.starts_with('{') && (json.contains("\":") || json.trim_start_matches('{').trim().is_empty()) => {
            Form::Message("a JSON text, as servers send it in place of a file that they do not give", begins())
        }
        json if json.starts_with('[') && json.contains([']', ',', '"']) => Form::Message("a JSON text", begins()),
        arff if arff.starts_with("@relation") || arff.starts_with('%') && arff.contains("@relation") => Form::Known(
            "an ARFF file (Weka, OpenML): a CSV file with a header takes its place, as \
             sklearn.datasets.fetch_openml(…).frame.to_csv(…, index=False) writes it",
        ),
        _ if is_libsvm(first_line) => Form::Known(
            "a text of LIBSVM (label index:value …): sklearn.datasets.load_svmlight_file reads it, and numpy.savez makes an \
             archive of its arrays",
        ),
        _ => Form::Text(begins()),
    }
}

/// Numbers in a row, or words between commas as headers have them.
fn begins_table(begins: &str) -> bool {
    let is_of_numbers = || begins.chars().all(|c| c.is_ascii_digit() || ".,;+-eE ".contains(c));
    begins.contains([',', ';', ' ']) && (is_of_numbers() || begins.contains([',', ';']) && !begins.contains(' '))
}

/// A label, and then places with their values.
fn is_libsvm(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    words.next().is_some_and(is_number)
        && words
            .next()
            .and_then(|word| word.split_once(':'))
            .is_some_and(|(at, value)| at.bytes().all(|byte| byte.is_ascii_digit()) && is_number(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_what_it_is() {
        let zip_of = |name: &str| {
            let mut start = b"PK\x03\x04".to_vec();
            start.resize(26, 0);
            start.extend([name.len() as u8, 0, 0, 0]);
            [&start[..], name.as_bytes(), b"\x93NUMPY"].concat()
        };
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        for (start, expected) in [
            (&b""[..], "an empty file"),
            (b"\x1f\x8b\x08", "compressed by gzip"),
            (b"\x93NUMPY\x01", "a single array (.npy)"),
            (b"\x80\x04\x95", "a pickle"),
            (&zip_of("x_train.npy"), "archive of arrays (.npz)"),
            (&zip_of("archive/data.pkl"), "PyTorch"),
            (&zip_of("[Content_Types].xml"), "save the sheet as CSV"),
            (&zip_of("train-images-idx3-ubyte"), "a zip archive: unpack it"),
            (b"PK\x03\x04", "a zip archive: unpack it"),
            (b"7z\xbc\xaf\x27\x1c\0\x04", "7z archive"),
            (b"Rar!\x1a\x07\x01\0", "RAR archive"),
            (&tar, "tar archive"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
            (b"\n<!DOCTYPE html>\n<html lang=\"en\">", "a web page (HTML)"),
            (b"<HTML><HEAD>", "a web page (HTML)"),
            (b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code>", "an XML text"),
            (b"<Error><Code>AccessDenied</Code></Error>", "begins with \"<Error><Code>AccessDenied</Code></Error>\""),
            (b"{\"error\": \"not found\"}\n", "a JSON text, as servers send it"),
            (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x89PNG\r\n\x1a\n\0\0", "a picture (PNG)"),
            (b"\xff\xd8\xff\xe0\0", "a picture (JPEG)"),
            (b"\x03\x08\0\0\x60\xea\0\0", "little-endian"),
            (b"\0\0\x08\x01\0\0", "a file of labels (IDX)"),
            (b"\xff\xfel\0a\0", "UTF-16"),
            (b"% comment\n@RELATION mnist\n", "ARFF"),
            (b"5 153:3 154:18 155:18\n", "LIBSVM"),
            (&[0xc8, 3, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0x0a, 0xc5], "tfrecord"),
            (b"BMI,age\n1,2\n", "a table (CSV) that begins with \"BMI,age\""),
            (b"4.96e-03,-1.38e-03\n", "a table (CSV) that begins with \"4.96e-03,-1.38e-03\""),
            (b"4.96e-03 -1.38e-03\n", "a table (CSV) that begins with"),
            (b"Dear all, this\n", "a text that begins with \"Dear all, this\""),
            (b"PK", "a text that begins with \"PK\""),
            (b"say \"hello\"\n", "begins with \"say 'hello'\""),
            ("\u{feff}ラベル".as_bytes(), "begins with \"ラベル\""),
            (b"caf\xe9 au lait", "a text"),
            (&[0, 1, 2, 3], "no kind that is known"),
            (&[0xe9; 9], "no kind that is known"),
        ] {
            let found = Form::of(start).to_string();
            assert!(found.contains(expected), "{start:?}: {found}");
        }
    }
}
