//! The sidecar that the environment names, and what is asked of it.

use crate::{
    answer::{self, EVENTS},
    bounds::{Bounds, PATIENCE},
    endpoint::{self, Endpoint},
    exchange::{self, Answer, Body, Head},
    failure::Failure,
    request,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use cofferdam_http_api::{PROBLEM, VERSION, VERSION_HEADER};
use http_bridge_bindings::{
    exports::cofferdam::code_executor::{sandbox::Report, types::Request},
    wasi::{cli::environment::get_environment, http::types::Method},
};

/// Where it is, and by which token it knows us.
pub(crate) struct Sidecar {
    endpoint: Endpoint,
    token: Option<String>,
}

impl Sidecar {
    /// The one that the environment names.
    pub(crate) fn named() -> Result<Self, Failure> {
        let mut environment = get_environment();
        let mut variable = |wanted: &str| {
            let at = environment.iter().position(|(name, _)| name == wanted)?;
            Some(environment.swap_remove(at).1)
        };
        let endpoint = Endpoint::parse(variable("COFFERDAM_URL").as_deref().unwrap_or(endpoint::DEFAULT))?;
        Ok(Self { endpoint, token: variable("COFFERDAM_TOKEN").filter(|token| !token.is_empty()) })
    }

    /// Has a program run, and waits for what comes of it.
    pub(crate) fn run(&self, request: Request) -> Result<Report, Failure> {
        let bounds = Bounds::of(request.limits.as_ref());
        let (head, body) = self.post(request, "application/json", bounds, bounds.wait)?;
        answer::read(&Answer { head, body: body.read(bounds.answer)? })
    }

    /// Has a program run; gives the HTTP status and the events of its run.
    pub(crate) fn follow(&self, request: Request, bounds: Bounds) -> Result<(u16, Body), Failure> {
        let (head, body) = self.post(request, EVENTS, bounds, PATIENCE)?;
        answer::check_version(&head)?;
        let status = head.status;
        if answer::is_success(&head, EVENTS) {
            return Ok((status, body));
        }
        // An outcome was not asked for.
        let refused = answer::read(&Answer { head, body: body.read(bounds.answer)? });
        Err(refused.err().unwrap_or(Failure::Foreign(status)))
    }

    /// Has a run cancelled.
    pub(crate) fn cancel(&self, id: &str, bounds: Bounds) -> Result<(), Failure> {
        let endpoint = Endpoint { path: format!("{}/{id}", self.endpoint.path), ..self.endpoint.clone() };
        let (head, body) =
            exchange::open(&endpoint, &Method::Delete, &self.headers("application/json"), &[], PATIENCE, PATIENCE)?;
        answer::check_version(&head)?;
        if answer::is_success(&head, "application/json") {
            return Ok(());
        }
        let refused = answer::read(&Answer { head, body: body.read(bounds.answer)? });
        match refused {
            // It was over so long ago that it is forgotten.
            Err(Failure::Problem(problem)) if matches!(problem.status, 404 | 410) => Ok(()),
            refused => refused.map(|_| ()),
        }
    }

    /// Posts a request. It is never sent again, so the program runs at most once.
    fn post(&self, request: Request, accepted: &str, bounds: Bounds, patience: u64) -> Result<(Head, Body), Failure> {
        let body = serde_json::to_vec(&request::to_api(request)?).map_err(|_| Failure::Unwritable)?;
        let mut headers = self.headers(accepted);
        headers.push(("content-type", "application/json".into()));
        headers.push(("content-length", body.len().to_string()));
        exchange::open(&self.endpoint, &Method::Post, &headers, &body, bounds.wait, patience)
    }

    fn headers(&self, accepted: &str) -> Vec<(&'static str, String)> {
        let mut headers = alloc::vec![("accept", format!("{accepted}, {PROBLEM}")), (VERSION_HEADER, VERSION.into())];
        headers.extend(self.token.as_ref().map(|token| ("authorization", format!("Bearer {token}"))));
        headers
    }
}
