//! How this runner was told to work, on its command line.

use crate::enclosure::Network;
use std::{ffi::OsString, path::PathBuf};

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where the program lies, if it does not come in on standard input.
    pub(crate) program: Option<PathBuf>,
    /// Whose network the program is in.
    pub(crate) network: Network,
}

impl Options {
    /// Reads the command line, which the sidecar wrote.
    pub(crate) fn from_args() -> Self {
        Self::parse(std::env::args_os().skip(1))
    }

    fn parse(mut args: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self { program: None, network: Network::Own };
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--program") => options.program = args.next().map(PathBuf::from),
                Some("--sandbox-network") => options.network = Network::Sandbox,
                // What is not understood must not open anything.
                _ => {}
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> (Option<PathBuf>, Network) {
        let options = Options::parse(args.iter().map(OsString::from));
        (options.program, options.network)
    }

    #[test]
    fn the_network_is_the_programs_own_unless_it_is_said_otherwise() {
        assert_eq!(parse(&[]), (None, Network::Own));
        assert_eq!(parse(&["--program", "/p"]), (Some("/p".into()), Network::Own));
        assert_eq!(parse(&["--program", "--sandbox-network"]).1, Network::Own);
        assert_eq!(parse(&["--program", "/p", "--sandbox-network"]).1, Network::Sandbox);
    }
}
