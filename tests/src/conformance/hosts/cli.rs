//! The wasmtime CLI and `cofferdam-host`, which have the same syntax of calls: one process for each request.

use super::{SidecarUrl, has_moderate_output, json, wave};
use crate::{
    conformance::{Case, ContractError, Driver, Failure, Outcome},
    hosts::{BARE, COMPOSED, command},
    program::{stderr, stdout},
};
use cofferdam_component::types::Request;
use std::process::Command;
use wasm_wave::value::{Type, Value};

/// Linux' limit of one argument in bytes, with the NUL at its end.
const MAX_ARGUMENT: usize = 128 << 10;

/// `wasmtime run --invoke` or `cofferdam-host run --invoke`.
#[derive(Debug)]
pub struct Cli {
    program: Program,
    request: Type,
    result: Type,
}

#[derive(Debug)]
enum Program {
    /// `wasmtime` with the component that is composed with the bridge.
    Wasmtime(SidecarUrl),
    /// `cofferdam-host` with the same component.
    CofferdamHost(SidecarUrl),
    /// `cofferdam-host` with the component that imports the sandbox, which it creates itself.
    WithoutSidecar,
}

impl Program {
    /// The command before the call, and the component after it.
    fn command(&self) -> (Command, &'static str) {
        match self {
            Self::Wasmtime(sidecar) => {
                let url = sidecar.get();
                let mut wasmtime = command("wasmtime", url);
                wasmtime.args(["run", "-S", "http", "--env", &format!("COFFERDAM_URL={url}"), "--invoke"]);
                (wasmtime, COMPOSED)
            }
            Self::CofferdamHost(sidecar) => {
                let mut host = command("cofferdam-host", sidecar.get());
                host.args(["run", "--env", "COFFERDAM_URL", "--allow-host"]);
                host.args([sidecar.get().trim_start_matches("http://"), "--invoke"]);
                (host, COMPOSED)
            }
            Self::WithoutSidecar => {
                let mut host = command("cofferdam-host", "");
                // The machine's /usr, whatever images the user has.
                host.args(["run", "--invoke"]).env("COFFERDAM_IMAGE", "");
                (host, BARE)
            }
        }
    }
}

impl Cli {
    /// A driver of the wasmtime CLI whose processes use this sidecar.
    ///
    /// # Errors
    ///
    /// The contract cannot be read.
    pub fn wasmtime(sidecar: SidecarUrl) -> Result<Self, Failure> {
        Self::new(Program::Wasmtime(sidecar))
    }

    /// A driver of `cofferdam-host` whose processes use this sidecar.
    ///
    /// # Errors
    ///
    /// The contract cannot be read.
    pub fn cofferdam_host(sidecar: SidecarUrl) -> Result<Self, Failure> {
        Self::new(Program::CofferdamHost(sidecar))
    }

    /// A driver of `cofferdam-host` whose processes create sandboxes themselves.
    ///
    /// # Errors
    ///
    /// The contract cannot be read.
    pub fn cofferdam_host_without_sidecar() -> Result<Self, Failure> {
        Self::new(Program::WithoutSidecar)
    }

    fn new(program: Program) -> Result<Self, Failure> {
        let (request, result) = wave::execute()?;
        Ok(Self { program, request, result })
    }

    /// The call in the syntax of `--invoke`.
    fn call(&self, request: &Request) -> Result<String, Failure> {
        let request = wave::from_json(&self.request, &json::request(request))?;
        Ok(format!("execute({})", wasm_wave::to_string(&request)?))
    }
}

impl Driver for Cli {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        Ok(has_moderate_output(case) && self.call(&case.request()?)?.len() < MAX_ARGUMENT)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        let (mut command, component) = self.program.command();
        let output = command.arg(self.call(&request)?).arg(component).output()?;
        let printed = stdout(&output);
        // The host exits with 1 for an error of the contract too, which it prints.
        if printed.is_empty() {
            return Err(format!("{}: {}", output.status, stderr(&output)).into());
        }
        let value: Value = wasm_wave::from_str(&self.result, printed.trim_end())?;
        json::result(wave::to_json(&self.result, &value)?)
    }
}
