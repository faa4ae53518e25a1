//! The guest with asynchronous functions: an instance executes any number of programs at once.

use super::{Guest, convert, validated};
use alloc::string::String;
use async_bindings::{
    cofferdam::code_executor_async::sandbox, exports::cofferdam::code_executor_async::code_executor,
};
use code_executor_bindings::{
    cofferdam::code_executor::types::{Error, Request},
    exports::cofferdam::code_executor::code_executor::Outcome,
};

impl code_executor::Guest for Guest {
    async fn execute(request: Request) -> Result<Outcome, Error> {
        sandbox::run(validated(request)?).await.map(convert::outcome)
    }

    fn render(outcome: Outcome) -> String {
        super::render(&outcome)
    }
}
