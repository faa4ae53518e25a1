//! Traces: exported over OTLP if a collector is configured, as children of the caller's.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use opentelemetry::{Context, propagation::TextMapPropagator};
use opentelemetry_http::{
    Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response, hyper::HyperClient,
};
use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, SpanExporter,
    WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use std::{env, time::Duration};
use tokio::runtime::Handle;

const SERVICE: &str = "cofferdam";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// Maximum bytes of the trace headers: twice what a `tracestate` must be allowed to have.
const MAX_HEADERS: usize = 1024;
/// Time that a collector may take for one batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The provider that exports spans to the collector of the setting, else of OpenTelemetry's environment
/// variables; `None` if neither names a collector.
///
/// # Errors
///
/// The collector's address is malformed.
pub fn provider(
    endpoint: Option<&str>,
    runtime: &Handle,
) -> Result<Option<SdkTracerProvider>, ExporterBuildError> {
    let mut named =
        [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].into_iter().filter_map(env::var_os);
    if endpoint.is_none() && named.all(|endpoint| endpoint.is_empty()) {
        return Ok(None);
    }
    let client = OnRuntime {
        runtime: runtime.clone(),
        client: HyperClient::with_default_connector(EXPORT_TIMEOUT, None),
    };
    let mut exporter = SpanExporter::builder().with_http().with_http_client(client);
    if let Some(endpoint) = endpoint {
        exporter = exporter.with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')));
    }
    let mut resource = Resource::builder();
    if env::var_os(SERVICE_NAME).is_none() {
        resource = resource.with_service_name(SERVICE);
    }
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter.build()?).with_resource(resource.build());
    Ok(Some(provider.build()))
}

/// The caller's trace, from the header `traceparent`; an empty context if the trace headers are too long.
pub fn parent(headers: &HeaderMap) -> Context {
    let propagator = TraceContextPropagator::new();
    let length = |name: &str| headers.get_all(name).iter().map(HeaderValue::len).sum::<usize>();
    if propagator.fields().map(length).sum::<usize>() > MAX_HEADERS {
        return Context::new();
    }
    propagator.extract(&HeaderExtractor(headers))
}

/// Sends batches on the sidecar's runtime: the exporter's thread has none.
#[derive(Debug)]
struct OnRuntime {
    runtime: Handle,
    client: HyperClient,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await })
            .await
            .map_err(HttpError::from);
        let sent = sent.flatten();
        match &sent {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => tracing::warn!(status = %response.status(), "the collector rejected spans"),
            Err(error) => tracing::warn!(%error, "spans could not be sent to the collector"),
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TraceContextExt;

    #[test]
    fn trace_headers_that_are_too_long_are_ignored() {
        let has_parent = |state: &str| {
            let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let headers = [("traceparent", traceparent), ("tracestate", state)];
            let header = |(name, value): (&'static str, &str)| {
                (name.parse().expect("a name"), HeaderValue::from_str(value).expect("a value"))
            };
            parent(&headers.map(header).into_iter().collect()).span().span_context().is_valid()
        };
        assert!(has_parent("a=1") && has_parent(&format!("a={}", "x".repeat(255))));
        assert!(!has_parent(&"a=1,".repeat(1000)));
    }
}
