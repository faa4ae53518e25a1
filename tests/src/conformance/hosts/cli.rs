//! The wasmtime CLI: a process for each request.

use super::{Served, can_hold, json, wave};
use crate::{
    conformance::{Case, Failure, Outcome, Refusal, Way},
    hosts::{COMPOSED, command},
    program::{stderr, stdout},
};
use cofferdam_component::types::Request;
use wasm_wave::value::{Type, Value};

/// Bytes that Linux takes as one argument, with the NUL at its end.
const ARGUMENT: usize = 128 << 10;

/// `wasmtime run --invoke`.
#[derive(Debug)]
pub struct Cli {
    served: Served,
    request: Type,
    result: Type,
}

impl Cli {
    /// With a sidecar.
    ///
    /// # Errors
    ///
    /// A contract that cannot be read.
    pub fn new(served: Served) -> Result<Self, Failure> {
        let (request, result) = wave::execute()?;
        Ok(Self { served, request, result })
    }

    /// The call as the command line has it.
    fn call(&self, request: &Request) -> Result<String, Failure> {
        let request = wave::from_json(&self.request, &json::request(request))?;
        Ok(format!("execute({})", wasm_wave::to_string(&request)?))
    }
}

impl Way for Cli {
    fn takes(&self, case: &Case) -> Result<bool, Failure> {
        Ok(can_hold(case) && self.call(&case.request()?)?.len() < ARGUMENT)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        let url = self.served.url();
        let mut wasmtime = command("wasmtime", url);
        wasmtime.args(["run", "-S", "http", "--env", &format!("COFFERDAM_URL={url}"), "--invoke"]);
        let output = wasmtime.arg(self.call(&request)?).arg(COMPOSED).output()?;
        if !output.status.success() {
            return Err(format!("wasmtime: {}", stderr(&output)).into());
        }
        let value: Value = wasm_wave::from_str(&self.result, stdout(&output).trim_end())?;
        json::answer(wave::to_json(&self.result, &value)?)
    }
}
