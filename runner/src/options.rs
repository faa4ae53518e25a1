//! The runner's command line.

use crate::isolation::Network;
use std::{
    ffi::OsString,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The options of the command line.
#[derive(Debug)]
pub(crate) struct Options {
    /// The folder that contains the program, if standard input does not carry it.
    pub(crate) program: Option<PathBuf>,
    /// Whether standard output is a container's log.
    pub(crate) log: bool,
    /// The network of the program.
    pub(crate) network: Network,
    /// The runner neither waits for a program nor starts one after this time.
    pub(crate) expires: Option<SystemTime>,
    /// The secret of a session's relay, if the runner is to wait for one.
    pub(crate) session: Option<String>,
}

impl Options {
    /// Reads the command line, which the sidecar wrote.
    pub(crate) fn from_args() -> Self {
        Self::parse(std::env::args_os().skip(1))
    }

    /// Whether it is too late to start a program.
    pub(crate) fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires < SystemTime::now())
    }

    fn parse(mut args: impl Iterator<Item = OsString>) -> Self {
        let mut options =
            Self { program: None, log: false, network: Network::Loopback, expires: None, session: None };
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--program") => {
                    options.program = args.next().map(PathBuf::from);
                    options.log = true;
                }
                Some("--log") => options.log = true,
                Some("--expires") => {
                    options.expires = args.next().and_then(|time| parse_time(time.to_str()?))
                }
                Some("--session") => {
                    options.session = args.next().and_then(|secret| secret.into_string().ok())
                }
                Some("--sandbox-network") => options.network = Network::Sandbox,
                // An unknown option must not weaken the isolation.
                _ => {}
            }
        }
        options
    }
}

/// Parses seconds since 1970.
fn parse_time(text: &str) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> (Option<PathBuf>, Network) {
        let options = Options::parse(args.iter().map(OsString::from));
        (options.program, options.network)
    }

    #[test]
    fn the_network_is_a_loopback_unless_an_option_changes_it() {
        assert_eq!(parse(&[]), (None, Network::Loopback));
        assert_eq!(parse(&["--program", "/p"]), (Some("/p".into()), Network::Loopback));
        assert_eq!(parse(&["--program", "--sandbox-network"]).1, Network::Loopback);
        assert_eq!(parse(&["--program", "/p", "--sandbox-network"]).1, Network::Sandbox);
    }

    #[test]
    fn a_session_has_the_secret_that_follows_the_option() {
        let session = |args: &[&str]| Options::parse(args.iter().map(OsString::from)).session;
        assert_eq!(
            session(&["--log", "--session", "secret", "--sandbox-network"]).as_deref(),
            Some("secret")
        );
        assert_eq!(session(&["--log"]), None);
    }

    #[test]
    fn the_runner_expires_after_its_time() {
        let expired = |args: &[&str]| Options::parse(args.iter().map(OsString::from)).is_expired();
        assert!(!expired(&[]) && !expired(&["--expires", "99999999999"]));
        assert!(expired(&["--expires", "1000000000"]));
    }
}
