//! Addresses in the cluster that a program must not reach.

use super::api_server::Connection;
use crate::api::with_timeout;
use cofferdam_core::doctor::target::{Destination, Target};
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use kube::{Api, Client, api::ListParams};
use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    time::Duration,
};
use tokio::{task::spawn_blocking, time::timeout};

/// The kinds of addresses that the probe tries.
pub(super) const OUTSIDE: [Destination; 4] =
    [Destination::ApiServer, Destination::Metadata, Destination::Dns, Destination::Pods];

/// Time limit for the lookup of a name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// A name in the DNS of every cluster.
const DNS_NAME: &str = "kubernetes.default.svc";
/// Largest number of Pods and nodes in an answer.
const MAX_OBJECTS: u32 = 20;
/// The port for Pods that declare none. A refused connection shows that the Pod was reached too.
const DEFAULT_PORT: u16 = 80;
const KUBELET_PORT: u16 = 10250;
const HTTPS_PORT: u16 = 443;

/// The addresses that can be found with the rights of the kubeconfig.
pub(super) async fn find(connection: &Connection, namespace: &str) -> Vec<Target> {
    let client = &connection.client;
    let (resolved, advertised, service, pod) = tokio::join!(
        resolve(&connection.host, connection.port),
        advertised(client),
        service(client),
        other_pod(client, namespace)
    );
    let api_server = resolved.into_iter().chain(advertised).chain(service);
    let mut targets: Vec<Target> = Vec::new();
    for address in api_server {
        if let Some(target) = Target::address(Destination::ApiServer, address)
            && !targets.contains(&target)
        {
            targets.push(target);
        }
    }
    targets.extend([Target::metadata(), Target::name(DNS_NAME)]);
    targets.extend(pod.and_then(|pod| Target::address(Destination::Pods, pod)));
    targets
}

/// The addresses of the API server. They are looked up here, since the sandbox has no DNS.
async fn resolve(host: &str, port: u16) -> Vec<SocketAddr> {
    let host = host.to_owned();
    let resolved =
        spawn_blocking(move || Some((host.as_str(), port).to_socket_addrs().ok()?.collect::<Vec<_>>()));
    timeout(LOOKUP_TIMEOUT, resolved).await.ok().and_then(Result::ok).flatten().unwrap_or_default()
}

/// The address that the API server advertises, also behind a proxy or a tunnel.
async fn advertised(client: &Client) -> Vec<SocketAddr> {
    let Ok(versions) = with_timeout(client.list_core_api_versions()).await else { return Vec::new() };
    let addresses = versions.server_address_by_client_cidrs.iter();
    addresses.filter_map(|address| address.server_address.parse().ok()).collect()
}

/// The address of the API server for Pods.
async fn service(client: &Client) -> Option<SocketAddr> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let spec = with_timeout(services.get("kubernetes")).await.ok()?.spec?;
    let port = spec.ports.unwrap_or_default().first().and_then(|port| u16::try_from(port.port).ok());
    Some((spec.cluster_ip?.parse::<IpAddr>().ok()?, port.unwrap_or(HTTPS_PORT)).into())
}

/// A running Pod of the namespace, else a node.
async fn other_pod(client: &Client, namespace: &str) -> Option<SocketAddr> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().limit(MAX_OBJECTS);
    let running = with_timeout(pods.list(&params.clone().fields("status.phase=Running"))).await;
    if let Some(pod) = running.ok().and_then(|pods| pods.items.iter().find_map(address_of_pod)) {
        return Some(pod);
    }
    let nodes = with_timeout(Api::<Node>::all(client.clone()).list(&params)).await.ok()?;
    nodes.items.iter().find_map(address_of_node)
}

fn address_of_pod(pod: &Pod) -> Option<SocketAddr> {
    let ip: IpAddr = pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()?;
    let mut ports =
        pod.spec.iter().flat_map(|spec| &spec.containers).flat_map(|of| of.ports.iter().flatten());
    let port = ports.find_map(|port| u16::try_from(port.container_port).ok());
    Some((ip, port.unwrap_or(DEFAULT_PORT)).into())
}

fn address_of_node(node: &Node) -> Option<SocketAddr> {
    let mut addresses = node.status.as_ref()?.addresses.iter().flatten();
    let address = addresses.find(|address| address.type_ == "InternalIP")?;
    Some((address.address.parse::<IpAddr>().ok()?, KUBELET_PORT).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_declared_port_of_a_pod_is_tried() {
        let pod = |containers: serde_json::Value| {
            let pod = json!({ "metadata": {}, "spec": { "containers": containers }, "status": { "podIP": "10.1.2.3" } });
            address_of_pod(&serde_json::from_value(pod).expect("a Pod")).map(|address| address.to_string())
        };
        let listening = json!([{ "name": "a" }, { "name": "b", "ports": [{ "containerPort": 8080 }] }]);
        assert_eq!(pod(listening).as_deref(), Some("10.1.2.3:8080"));
        assert_eq!(pod(json!([{ "name": "a" }])).as_deref(), Some("10.1.2.3:80"));
    }

    #[test]
    fn the_internal_address_of_a_node_is_tried() {
        let addresses =
            json!([{ "type": "Hostname", "address": "a" }, { "type": "InternalIP", "address": "192.0.2.1" }]);
        let node = json!({ "metadata": {}, "status": { "addresses": addresses } });
        let node = serde_json::from_value(node).expect("a node");
        assert_eq!(
            address_of_node(&node).map(|address| address.to_string()).as_deref(),
            Some("192.0.2.1:10250")
        );
    }
}
