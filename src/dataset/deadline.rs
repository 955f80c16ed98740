//! One moment by which all of a request has to be done that waits for somebody.
//!
//! ureq knows a time for each phase of a request, and one for all of it with the content. What is wanted is one for finding
//! the server, whichever phases that goes through (looking up its name and a proxy's, connecting, redirects, the first bytes
//! of the answer), and another one for the rest. So wherever ureq waits, it is told how much is left.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Agent, Error, Timeout, config::Config};

/// The moment, shared by whatever waits for it; it may be put off.
#[derive(Clone, Debug)]
pub(super) struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    /// After `duration` from now. One too far away to be told is a century away.
    pub(super) fn after(duration: Duration) -> Self {
        Self(Arc::new(Mutex::new(from_now(duration))))
    }

    /// Puts it off, or brings it forward, to `duration` from now.
    pub(super) fn renew(&self, duration: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = from_now(duration);
    }

    /// What sends requests that end in [`Timeout::Global`] at the deadline, wherever they have got to. A host's name is
    /// looked up in a thread of ureq's, which is left alone at the deadline, as no lookup can be ended.
    pub(super) fn agent(&self, config: Config) -> Agent {
        let resolver = Hurried { deadline: self.clone(), inner: DefaultResolver::default() };
        let connector = Hurried { deadline: self.clone(), inner: DefaultConnector::default() };
        Agent::with_parts(config, connector, resolver)
    }

    /// A timeout of ureq's, or what is left where that is less.
    fn hurry(&self, timeout: NextTimeout) -> NextTimeout {
        let end = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = end.saturating_duration_since(Instant::now());
        if left < *timeout.after {
            NextTimeout { after: left.into(), reason: Timeout::Global, ..timeout }
        } else {
            timeout
        }
    }
}

fn from_now(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(100 * 365 * 24 * 60 * 60))
}

/// A part of ureq's that does its work by a deadline.
#[derive(Debug)]
struct Hurried<T> {
    deadline: Deadline,
    inner: T,
}

impl Resolver for Hurried<DefaultResolver> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.inner.resolve(uri, config, self.deadline.hurry(timeout))
    }
}

impl Connector for Hurried<DefaultConnector> {
    type Out = Hurried<Box<dyn Transport>>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let hurried = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: (details.current_time)(),
            timeout: self.deadline.hurry(details.timeout),
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let connected = self.inner.connect(&hurried, chained)?;
        Ok(connected.map(|inner| Hurried { deadline: self.deadline.clone(), inner }))
    }
}

impl Transport for Hurried<Box<dyn Transport>> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = self.deadline.hurry(timeout);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = self.deadline.hurry(timeout);
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
