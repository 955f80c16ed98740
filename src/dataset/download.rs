//! Files from the network, verified before they are kept.
//!
//! The bytes of a file arrive in a file without a name on the disk that it is for. Only when they are complete, expand to
//! the right length and have the right SHA-256, are they copied to a file with a name, and only when the disk has that one
//! is it moved to its place. So nothing unverified is ever to be found in the folder, not even after the process was
//! killed; two processes may download the same file at once; and nothing of an attempt that failed is used by the next.
//!
//! How long all this may take is bounded by [`Limits`]. Looking for the network, which is everything until the first
//! byte of a file arrives, has one budget for all mirrors, files and retries together, and every mirror still to be
//! tried keeps a share of it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use ureq::ProxyProtocol;
use ureq::config::Config;
use ureq::http::Uri;

use super::deadline::Deadline;
use super::error::Error;
use super::sha256::hex;
use crate::files::form::{Form, START_LEN};

/// Where MNIST is downloaded from unless another mirror is named; tried in this order.
pub const MNIST_MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"];

/// The waits before the second and the third round through the mirrors.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
const BUFFER_SIZE: usize = 64 << 10;
/// The environment variables that may name a proxy, in the order in which ureq asks them.
const PROXY_VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// A file that mirrors have, compressed, under `name` and `.gz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteFile<'a> {
    /// The name of the file without `.gz`.
    pub name: &'a str,
    /// The length of the decompressed content in bytes.
    pub n_bytes: u64,
    /// The SHA-256 of the decompressed content, in lower-case hexadecimal digits.
    pub sha256: &'a str,
}

/// How long a download may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long the network may be looked for: name lookups, connecting, asking, waiting for the first byte, and the waits
    /// between retries, for all mirrors and files together.
    pub looking: Duration,
    /// How long a server may send nothing between two pieces of a file.
    pub stall: Duration,
    /// How long one file may take once it has begun to arrive.
    pub transfer: Duration,
}

impl Default for Limits {
    /// 10 seconds to find the network, 30 without a byte, half an hour a file.
    fn default() -> Self {
        Self {
            looking: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            transfer: Duration::from_secs(30 * 60),
        }
    }
}

/// Is told how a download goes, to show it. `()` shows nothing.
pub trait Observer {
    /// The file `name` begins to arrive, `n_bytes` long if the server says so; once more for each further attempt.
    fn started(&mut self, name: &str, n_bytes: Option<u64>);
    /// `n_bytes` more of the file have arrived.
    fn advanced(&mut self, n_bytes: u64);
    /// The file is verified and in its place.
    fn finished(&mut self);
}

impl Observer for () {
    fn started(&mut self, _name: &str, _n_bytes: Option<u64>) {}
    fn advanced(&mut self, _n_bytes: u64) {}
    fn finished(&mut self) {}
}

/// Downloads files from the first of some mirrors that has them.
///
/// A proxy is taken from the usual environment variables (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, and their lower-case
/// forms; `NO_PROXY`), but not to reach this machine itself. It has to be an HTTP proxy, and is asked to connect (`CONNECT`)
/// to any address.
#[derive(Debug)]
pub struct Downloader {
    /// The addresses of the mirrors; the one that was last successful stands first.
    mirrors: Vec<String>,
    limits: Limits,
    looking_left: Duration,
}

impl Downloader {
    /// A downloader that asks these mirrors, in this order. A mirror is an address that a file's name is appended to.
    ///
    /// # Errors
    /// [`Error::Mirror`] if one is not an `http://` or `https://` address.
    pub fn new(mirrors: &[&str], limits: Limits) -> Result<Self, Error> {
        let mirrors = mirrors.iter().map(|mirror| base_address(mirror)).collect::<Result<_, _>>()?;
        Ok(Self { mirrors, limits, looking_left: limits.looking })
    }

    /// Downloads `file` into `folder`, which is made if it is not there, as its name with `.gz`.
    ///
    /// What passes by itself (a refused or broken connection, a busy server) is tried again, up to three times in all.
    ///
    /// # Errors
    /// [`Error::Download`] with what each mirror answered, or [`Error::Cache`] if `folder` can't be written. The folder
    /// then holds no more than before.
    pub fn fetch(&mut self, file: &RemoteFile, folder: &Path, observer: &mut dyn Observer) -> Result<PathBuf, Error> {
        let in_cache = |reason| Error::Cache { folder: folder.into(), reason };
        fs::create_dir_all(folder).map_err(in_cache)?;

        let mut candidates = self.mirrors.clone();
        let mut faults: Vec<(String, String)> = Vec::new();
        for round in 0..=BACK_OFF.len() {
            if round > 0 {
                self.pause(BACK_OFF[round - 1]);
            }
            let mut passing = Vec::new();
            for (i, mirror) in candidates.iter().enumerate() {
                let share = self.looking_left / (candidates.len() - i) as u32;
                if share.is_zero() {
                    break;
                }
                let url = format!("{mirror}{}.gz", file.name);
                match self.attempt(&url, share, file, folder, observer) {
                    Ok(path) => {
                        self.prefer(mirror);
                        observer.finished();
                        return Ok(path);
                    }
                    Err(Failure::Folder(reason)) => return Err(in_cache(reason)),
                    Err(Failure::Mirror { reason, passes }) => {
                        faults.retain(|(earlier, _)| *earlier != url);
                        faults.push((url, reason));
                        if passes {
                            passing.push(mirror.clone());
                        }
                    }
                }
            }
            if passing.is_empty() || self.looking_left.is_zero() {
                break;
            }
            candidates = passing;
        }
        if faults.is_empty() {
            let reason = format!(
                "no time is left to ask it, as answers are waited for {} s in all",
                self.limits.looking.as_secs_f64()
            );
            faults = candidates.into_iter().map(|mirror| (mirror, reason.clone())).collect();
        }
        Err(Error::Download { name: file.name.into(), faults })
    }

    /// One file from one address, from the first question to the verified file in its place.
    fn attempt(
        &mut self,
        url: &str,
        share: Duration,
        file: &RemoteFile,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> Result<PathBuf, Failure> {
        let answer = self.look(url, share)?;
        let mut received = tempfile::tempfile_in(folder).map_err(Failure::Folder)?;
        receive(answer, file, &mut received, observer)?;
        verify(&mut received, file)?;
        keep(&mut received, file, folder).map_err(Failure::Folder)
    }

    /// Asks for a file and waits for its first bytes, for at most `share`.
    fn look(&mut self, url: &str, share: Duration) -> Result<Answer, Failure> {
        let started = Instant::now();
        let deadline = Deadline::after(share);
        let answer = ask(&deadline.agent(config(proxy(url)?, self.limits.stall)), url);
        self.looking_left = self.looking_left.saturating_sub(started.elapsed());
        deadline.renew(self.limits.transfer);
        answer.map_err(|error| match error {
            ureq::Error::Timeout(ureq::Timeout::Global) => {
                Failure::passing(format!("no answer within {:.1} s", share.as_secs_f64()))
            }
            error => error.into(),
        })
    }

    fn pause(&mut self, duration: Duration) {
        let duration = duration.min(self.looking_left);
        thread::sleep(duration);
        self.looking_left -= duration;
    }

    /// Files that follow are asked for from `mirror` first.
    fn prefer(&mut self, mirror: &str) {
        if let Some(i) = self.mirrors.iter().position(|known| known == mirror) {
            self.mirrors[..=i].rotate_right(1);
        }
    }
}

/// Why an attempt ended without a file.
enum Failure {
    /// It is the mirror's or the network's fault; one that `passes` may be gone at the next attempt.
    Mirror { reason: String, passes: bool },
    /// The folder can't be written; no mirror can help.
    Folder(io::Error),
}

impl Failure {
    fn passing(reason: String) -> Self {
        Self::Mirror { reason, passes: true }
    }

    fn lasting(reason: String) -> Self {
        Self::Mirror { reason, passes: false }
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        let passes = match &error {
            ureq::Error::StatusCode(status) => *status >= 500 || matches!(status, 408 | 429),
            ureq::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData, // which is what bad TLS reports
            ureq::Error::Timeout(ureq::Timeout::Global) => false,
            ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => true,
            _ => false,
        };
        let reason = match error {
            ureq::Error::StatusCode(status) => format!("the server answers with HTTP status {status}"),
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(ureq::Timeout::PerRead) => "nothing arrives any more".into(),
            ureq::Error::Timeout(ureq::Timeout::Global) => "it takes too long".into(),
            other => other.to_string(),
        };
        Self::Mirror { reason, passes }
    }
}

/// A file that has begun to arrive.
struct Answer {
    n_bytes: Option<u64>,
    first: Vec<u8>,
    rest: ureq::BodyReader<'static>,
}

/// Asks for a file and waits for its first bytes.
fn ask(agent: &ureq::Agent, url: &str) -> Result<Answer, ureq::Error> {
    let body = agent.get(url).call()?.into_body();
    let n_bytes = body.content_length();
    let mut rest = body.into_reader();
    let mut first = vec![0; BUFFER_SIZE];
    let n_first = rest.read(&mut first)?;
    first.truncate(n_first);
    Ok(Answer { n_bytes, first, rest })
}

/// Writes a file to `received` as it arrives, and gives up when it is longer than it can be.
fn receive(answer: Answer, file: &RemoteFile, received: &mut File, observer: &mut dyn Observer) -> Result<(), Failure> {
    // The worst that gzip makes of content that it can't compress is far less than this.
    let max_bytes = file.n_bytes + file.n_bytes / 100 + 4096;
    let too_long = |n_bytes: u64| {
        Failure::lasting(format!("expected a file of at most {max_bytes} bytes, found one of {n_bytes} or more"))
    };
    let Answer { n_bytes, first, mut rest } = answer;
    if let Some(n_bytes) = n_bytes.filter(|&n| n > max_bytes) {
        return Err(too_long(n_bytes));
    }
    observer.started(&format!("{}.gz", file.name), n_bytes);

    let mut n_received = 0;
    let mut buffer = first;
    let mut n_new = buffer.len();
    while n_new > 0 {
        n_received += n_new as u64;
        if n_received > max_bytes {
            return Err(too_long(n_received));
        }
        received.write_all(&buffer[..n_new]).map_err(Failure::Folder)?;
        observer.advanced(n_new as u64);
        buffer.resize(BUFFER_SIZE, 0);
        n_new = rest.read(&mut buffer).map_err(|error| broken_off(error.into(), n_received))?;
    }
    Ok(())
}

fn broken_off(error: ureq::Error, n_received: u64) -> Failure {
    match Failure::from(error) {
        Failure::Mirror { reason, passes } => {
            Failure::Mirror { reason: format!("the transfer broke off after {n_received} bytes: {reason}"), passes }
        }
        folder => folder,
    }
}

/// Makes sure that what was received expands to the file's content.
fn verify(received: &mut File, file: &RemoteFile) -> Result<(), Failure> {
    received.rewind().map_err(Failure::Folder)?;
    let mut start = Vec::new();
    received.take(START_LEN as u64).read_to_end(&mut start).map_err(Failure::Folder)?;
    let form = Form::of(&start);
    received.rewind().map_err(Failure::Folder)?;
    let mut content = MultiGzDecoder::new(io::BufReader::new(received)).take(file.n_bytes + 1);
    let mut hasher = Sha256::new();
    let mut n_bytes = 0;
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_new) => {
                hasher.update(&buffer[..n_new]);
                n_bytes += n_new as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && matches!(form, Form::Gzip | Form::Empty) => {
                return Err(Failure::passing("the transfer was cut off: the gzip data end early".into()));
            }
            Err(error) => {
                let found = match form {
                    Form::Gzip => format!("damaged gzip data ({error})"),
                    other => other.to_string(),
                };
                return Err(Failure::lasting(format!("wrong content: expected {}.gz, found {found}", file.name)));
            }
        }
    }
    let sha256 = hex(&hasher.finalize());
    if n_bytes != file.n_bytes || sha256 != file.sha256 {
        return Err(Failure::lasting(format!(
            "wrong content: expected {} bytes with the SHA-256 {}, found {} with {sha256}",
            file.n_bytes,
            file.sha256,
            if n_bytes > file.n_bytes { "more".into() } else { n_bytes.to_string() },
        )));
    }
    Ok(())
}

/// Puts what was received and verified in its place.
fn keep(received: &mut File, file: &RemoteFile, folder: &Path) -> io::Result<PathBuf> {
    let mut named = tempfile::Builder::new().prefix(&format!(".{}.", file.name)).suffix(".part").tempfile_in(folder)?;
    received.rewind()?;
    io::copy(received, named.as_file_mut())?;
    named.as_file().sync_all()?;
    let path = folder.join(format!("{}.gz", file.name));
    named.persist(&path).map_err(|failed| failed.error)?;
    Ok(path)
}

/// The proxy that the environment names. One that can't be used is an error: going around it is not what was asked for.
fn proxy(url: &str) -> Result<Option<ureq::Proxy>, Failure> {
    let unusable = |variable: &str, found: &str| {
        let expected = "expected an address that begins with http:// or https://";
        Err(Failure::lasting(format!("the proxy of the environment ({variable}): {expected}, found {found}")))
    };
    if is_this_machine(url) {
        return Ok(None);
    }
    match ureq::Proxy::try_from_env() {
        Some(proxy) if matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) => Ok(Some(proxy)),
        Some(proxy) if url.parse().is_ok_and(|uri| proxy.is_no_proxy(&uri)) => Ok(None),
        Some(proxy) => unusable(&PROXY_VARIABLES.join(", "), &format!("one of {}", proxy.protocol())),
        None => {
            let is_set = |variable: &&str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
            PROXY_VARIABLES
                .iter()
                .find(|variable| is_set(variable))
                .map_or(Ok(None), |variable| unusable(variable, "none"))
        }
    }
}

/// How a file is asked for: through a proxy, if there is one, and with at most `stall` between two pieces of the answer.
fn config(proxy: Option<ureq::Proxy>, stall: Duration) -> Config {
    let user_agent = concat!("numgrad/", env!("CARGO_PKG_VERSION"));
    ureq::Agent::config_builder().user_agent(user_agent).proxy(proxy).timeout_per_read(Some(stall)).build()
}

/// A proxy elsewhere could not reach what is served here.
fn is_this_machine(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    uri.as_ref().and_then(Uri::host).is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    })
}

/// A mirror's address with the slash that file names are appended after.
fn base_address(mirror: &str) -> Result<String, Error> {
    let wrong = |found: &str| Error::Mirror { mirror: mirror.into(), found: found.into() };
    let uri: Uri = mirror.parse().map_err(|_| wrong("no such address"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(scheme) => return Err(wrong(&format!("{scheme}://"))),
        None => return Err(wrong("neither")),
    }
    if uri.query().is_some() || mirror.contains('#') {
        return Err(wrong("an address that nothing can be appended to"));
    }
    Ok(if mirror.ends_with('/') { mirror.into() } else { format!("{mirror}/") })
}
