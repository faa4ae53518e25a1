//! The wasmtime CLI: one process for each request.

use super::{SharedSidecar, has_moderate_output, json, wave};
use crate::{
    conformance::{Case, ContractError, Driver, Failure, Outcome},
    hosts::{COMPOSED, command},
    program::{stderr, stdout},
};
use cofferdam_component::types::Request;
use wasm_wave::value::{Type, Value};

/// Linux' limit of one argument in bytes, with the NUL at its end.
const MAX_ARGUMENT: usize = 128 << 10;

/// `wasmtime run --invoke`.
#[derive(Debug)]
pub struct Cli {
    sidecar: SharedSidecar,
    request: Type,
    result: Type,
}

impl Cli {
    /// A driver whose processes use this sidecar.
    ///
    /// # Errors
    ///
    /// The contract cannot be read.
    pub fn new(sidecar: SharedSidecar) -> Result<Self, Failure> {
        let (request, result) = wave::execute()?;
        Ok(Self { sidecar, request, result })
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
        let url = self.sidecar.url();
        let mut wasmtime = command("wasmtime", url);
        wasmtime.args(["run", "-S", "http", "--env", &format!("COFFERDAM_URL={url}"), "--invoke"]);
        let output = wasmtime.arg(self.call(&request)?).arg(COMPOSED).output()?;
        if !output.status.success() {
            return Err(format!("wasmtime: {}", stderr(&output)).into());
        }
        let value: Value = wasm_wave::from_str(&self.result, stdout(&output).trim_end())?;
        json::result(wave::to_json(&self.result, &value)?)
    }
}
