//! A repository of a registry.

use super::{
    RegistryConfig,
    auth::{Challenge, Credentials, TokenAnswer},
    credentials, described,
    http::{Answer, Body, Http},
    retry,
};
use crate::{Descriptor, Digest, ImageError, Reference};
use hyper::{
    StatusCode, Uri,
    header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
};
use std::{collections::BTreeMap, io::Read};

/// The registry behind Docker's default name.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json";
const MAX_DOCUMENT: u64 = 4 << 20;
const MAX_TOKEN: u64 = 64 << 10;
const MAX_REDIRECTIONS: usize = 5;

/// A repository, and what has been learned about the access to it.
pub(super) struct Repository {
    http: Http,
    image: String,
    /// The scheme and host of the registry.
    base: String,
    name: String,
    credentials: Option<Credentials>,
    /// Why there may be no credentials.
    unused: Vec<String>,
    authorization: Option<String>,
    config: RegistryConfig,
}

impl Repository {
    pub(super) fn new(
        host: &str,
        config: &RegistryConfig,
        reference: &Reference,
        only_public: bool,
    ) -> Result<Self, ImageError> {
        let found = credentials::find(host, reference.repository());
        let (credentials, unused) = found.map_err(|problem| ImageError::Pull {
            image: reference.to_string(),
            problem,
            is_temporary: true,
        })?;
        let http = Http::new(config, only_public).map_err(ImageError::io("prepare the pull"))?;
        let address = if host == DOCKER_HUB.0 { DOCKER_HUB.1 } else { host };
        let scheme = if config.insecure_hosts.contains(host) { "http" } else { "https" };
        Ok(Self {
            http,
            image: reference.to_string(),
            base: format!("{scheme}://{address}"),
            name: reference.repository().to_owned(),
            // Those of a registry are not for its mirrors.
            credentials,
            unused,
            authorization: None,
            config: config.clone(),
        })
    }

    /// A manifest or an index, by tag or digest.
    pub(super) fn manifest(&mut self, wanted: &str) -> Result<(Descriptor, Vec<u8>), ImageError> {
        let answer = self.get(&format!("manifests/{wanted}"), MANIFESTS)?;
        let media_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().to_owned();
        let mut content = Vec::new();
        let read = answer.body.take(MAX_DOCUMENT + 1).read_to_end(&mut content);
        read.map_err(|error| self.failed_for_now(format!("its manifest cannot be read: {error}")))?;
        let digest = Digest::of(&content);
        Ok((described(media_type, digest, content.len() as u64), content))
    }

    /// The content of a blob.
    pub(super) fn blob(&mut self, digest: &Digest) -> Result<Body, ImageError> {
        Ok(self.get(&format!("blobs/{digest}"), "*/*")?.body)
    }

    fn failed(&self, problem: String) -> ImageError {
        ImageError::Pull { image: self.image.clone(), problem, is_temporary: false }
    }

    fn failed_for_now(&self, problem: String) -> ImageError {
        ImageError::Pull { image: self.image.clone(), problem, is_temporary: true }
    }

    fn get(&mut self, path: &str, accept: &str) -> Result<Answer, ImageError> {
        let first = self.uri(&format!("{}/v2/{}/{path}", self.base, self.name))?;
        let mut answer = self.request(&first, accept, self.authorization.as_deref())?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.authorization = Some(self.authorize(&answer)?);
            answer = self.request(&first, accept, self.authorization.as_deref())?;
        }
        let mut uri = first.clone();
        for _ in 0..MAX_REDIRECTIONS {
            if !answer.status.is_redirection() {
                break;
            }
            uri = self.redirection(&uri, &answer)?;
            // Credentials are for the registry alone.
            let is_registry = (uri.scheme(), uri.authority()) == (first.scheme(), first.authority());
            let authorization = self.authorization.as_deref().filter(|_| is_registry);
            answer = self.request(&uri, accept, authorization)?;
        }
        match answer.status {
            status if status.is_success() => Ok(answer),
            StatusCode::NOT_FOUND => Err(ImageError::NoSuchImage(self.image.clone())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.no_access()),
            status => {
                let when = match retry::wanted(&answer.headers) {
                    Some(time) => format!("in {} s", time.as_secs()),
                    None => "later".into(),
                };
                Err(self.failed_for_now(if status == StatusCode::TOO_MANY_REQUESTS {
                    format!("the registry has had too many requests; try again {when}, or log in")
                } else {
                    format!("the registry answers {status}; try again {when}")
                }))
            }
        }
    }

    fn no_access(&self) -> ImageError {
        let problem = match &self.credentials {
            Some(_) => "the registry refuses access to it with the credentials that there are",
            None => {
                "the registry refuses access to it without credentials; log in with `docker login` or `podman login`"
            }
        };
        let unused = self.unused.iter().map(|unused| format!("; {unused}"));
        self.failed([problem.to_owned()].into_iter().chain(unused).collect())
    }

    fn request(&self, uri: &Uri, accept: &str, authorization: Option<&str>) -> Result<Answer, ImageError> {
        self.repeat(|| self.http.get(uri, accept, authorization))
    }

    /// Sends a request, again if the registry asks for it.
    fn repeat(&self, send: impl Fn() -> Result<Answer, String>) -> Result<Answer, ImageError> {
        let mut sent_again = 0;
        loop {
            let answer = send().map_err(|problem| self.failed_for_now(problem))?;
            let Some(delay) = retry::delay(answer.status, &answer.headers, sent_again) else {
                return Ok(answer);
            };
            drop(answer);
            self.http.wait(delay);
            sent_again += 1;
        }
    }

    /// The address of a request: with TLS, unless its host is named by the settings.
    fn uri(&self, text: &str) -> Result<Uri, ImageError> {
        let uri: Uri =
            text.parse().map_err(|_| self.failed("an address of the registry is malformed".into()))?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let is_allowed = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.config.insecure_hosts.contains(&host),
            _ => false,
        };
        if is_allowed {
            return Ok(uri);
        }
        Err(self.failed(format!(
            "{host} would be reached without TLS; `images.insecure_registries` can allow that"
        )))
    }

    fn redirection(&self, from: &Uri, answer: &Answer) -> Result<Uri, ImageError> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.failed("the registry redirects to nowhere".into()))?;
        if location.starts_with('/') && !location.starts_with("//") {
            let base = format!(
                "{}://{}",
                from.scheme_str().unwrap_or("https"),
                from.authority().map_or("", |a| a.as_str())
            );
            return self.uri(&format!("{base}{location}"));
        }
        self.uri(location)
    }

    /// What the registry asks for.
    fn authorize(&self, answer: &Answer) -> Result<String, ImageError> {
        let headers = answer.headers.get_all(WWW_AUTHENTICATE).iter();
        let challenge = headers.filter_map(|value| value.to_str().ok()).find_map(Challenge::parse);
        match (challenge, &self.credentials) {
            (Some(Challenge::Basic), Some(credentials)) => {
                credentials.basic().ok_or_else(|| self.no_access())
            }
            (Some(Challenge::Bearer { realm, parameters }), _) => self.token(&realm, &parameters),
            _ => Err(self.no_access()),
        }
    }

    /// The token of a token server, as the header `Authorization`.
    fn token(&self, realm: &str, parameters: &BTreeMap<String, String>) -> Result<String, ImageError> {
        let answer = match &self.credentials {
            Some(Credentials::IdentityToken(token)) => {
                let (uri, form) = (self.uri(realm)?, Challenge::token_form(token, parameters, &self.name));
                self.repeat(|| self.http.post(&uri, form.clone()))?
            }
            password => {
                let uri = self.uri(&Challenge::token_address(realm, parameters, &self.name))?;
                let basic = password.as_ref().and_then(Credentials::basic);
                self.request(&uri, "application/json", basic.as_deref())?
            }
        };
        if answer.status.is_client_error() && answer.status != StatusCode::TOO_MANY_REQUESTS {
            return Err(self.no_access());
        }
        if !answer.status.is_success() {
            return Err(self.failed(format!("the registry's token server answers {}", answer.status)));
        }
        let mut content = Vec::new();
        let read = answer.body.take(MAX_TOKEN).read_to_end(&mut content);
        let token = read.ok().and_then(|_| serde_json::from_slice::<TokenAnswer>(&content).ok()?.token());
        let token = token.ok_or_else(|| self.failed("the registry's token server gives no token".into()))?;
        Ok(format!("Bearer {token}"))
    }
}
