//! A sidecar that uses a cluster.

use super::context::{Context, Test, block_on, expect};
use cofferdam_tests::{cluster::Action, conformance::Failure};
use serde_json::json;

pub(super) const TESTS: &[Test] = tests![
    a_sidecar_streams_an_execution_in_the_cluster,
    closing_the_connection_ends_the_job,
    a_sidecar_without_its_cluster_is_not_ready,
];

fn a_sidecar_streams_an_execution_in_the_cluster(context: &Context) -> Result<(), Failure> {
    let sidecar = context.sidecar(&context.namespace.kubeconfig(), &[]);
    block_on(async {
        let client = sidecar.client();
        let ready = client.send("GET", "/readyz", &[], "").await;
        expect(ready.status == 200, ready)?;
        // One write, so that it is one event.
        let request = json!({ "code": "import os\nos.write(1, b'42\\n')" });
        let response = client.run(&request, &[("accept", "text/event-stream")]).await;
        let events = ["\"queued\"", "\"scheduled\"", "\"started\"", "{\"stdout\":\"42\\n\"}", "\"exited\":0"];
        let positions = events.map(|event| response.text.find(event));
        expect(positions.iter().all(Option::is_some) && positions.is_sorted(), response)
    })
}

fn closing_the_connection_ends_the_job(context: &Context) -> Result<(), Failure> {
    let mut sidecar = context.sidecar(&context.namespace.kubeconfig(), &[]);
    block_on(async {
        let request = json!({ "code": "import time\nprint('now')\ntime.sleep(600)" });
        let mut stream = sidecar.client().start(&request, &[("accept", "text/event-stream")]).await;
        stream.read_until("now").await;
        drop(stream);
        let line = sidecar.wait_for("ran id=");
        expect(line.contains("status=Cancelled"), line)
    })
}

fn a_sidecar_without_its_cluster_is_not_ready(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|_, _| Action::DropRequest)?;
    let sidecar = context.sidecar(proxy.kubeconfig(), &[]);
    block_on(async {
        let response = sidecar.client().send("GET", "/readyz", &[], "").await;
        expect(response.status == 503 && response.json["code"] == "unreachable", response)
    })
}
