//! A namespace as an operator sets it up: by what `cofferdam manifests` prints.

use super::{admin, eventually, kubeconfig};
use crate::{
    conformance::Failure,
    program::{Place, stderr, stdout},
};
use cofferdam::config::{BackendChoice, Settings};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    batch::v1::Job,
    core::v1::{ConfigMap, Namespace as NamespaceObject, Pod, ServiceAccount},
    node::v1::RuntimeClass,
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{fmt::Debug, fs, path::PathBuf};

/// Label of the objects that belong to a run.
const RUN: &str = "cofferdam.dev/run";
/// Room for runs that a test needs at the most.
const USUAL_RUNS: u32 = 50;
/// The service accounts of sidecars whose runs are Jobs, and of those whose runs are Pods.
const SIDECAR: &str = "cofferdam";
const SIDECAR_OF_PODS: &str = "cofferdam-pods";

/// A namespace that exists for one test program.
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// A client with all rights.
    pub admin: Client,
    /// Where the kubeconfig of the sidecar's service account is.
    place: Place,
}

impl Namespace {
    /// Makes it, applies the manifests, and gets the sidecar's service account a token.
    ///
    /// # Errors
    ///
    /// Whatever the cluster has against it.
    pub async fn create() -> Result<Self, Failure> {
        Self::with_room_for(USUAL_RUNS).await
    }

    /// The same with room for so many runs at once.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn with_room_for(runs: u32) -> Result<Self, Failure> {
        let name = format!("cofferdam-test-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let namespace = Self { name, admin: admin().await?, place: Place::new() };
        for (account, workload) in [(SIDECAR, "job"), (SIDECAR_OF_PODS, "pod")] {
            let runs = runs.to_string();
            let args = ["manifests", "--namespace", &namespace.name, "--runs", &runs];
            let args = [&args[..], &["--sidecar-service-account", account]].concat();
            let output = namespace.place.cofferdam(args).env("COFFERDAM_WORKLOAD", workload).output()?;
            if !output.status.success() {
                return Err(stderr(&output).into());
            }
            namespace.apply(&stdout(&output)).await?;
            namespace.write_kubeconfig(account).await?;
        }
        Ok(namespace)
    }

    /// Settings by which a sidecar's runs are made here.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(self.kubeconfig()),
            namespace: self.name.clone(),
            ..Settings::default()
        }
    }

    /// One of this name, with nothing in it, not even itself: what is applied makes it.
    ///
    /// # Errors
    ///
    /// A cluster that cannot be reached.
    pub async fn named(name: String) -> Result<Self, Failure> {
        Ok(Self { name, admin: admin().await?, place: Place::new() })
    }

    /// Applies YAML documents, each to the namespace that it names, else to this one.
    ///
    /// # Errors
    ///
    /// Whatever the cluster has against it.
    pub async fn apply(&self, yaml: &str) -> Result<(), Failure> {
        for document in yaml.split("\n---\n") {
            // Between two documents there may be nothing but comments.
            if document.lines().all(|line| line.starts_with('#') || line.trim().is_empty()) {
                continue;
            }
            let object: serde_json::Value = serde_saphyr::from_str(document)?;
            let object: DynamicObject = serde_json::from_value(object)?;
            let types = object.types.clone().ok_or("a document without a kind")?;
            let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
            let api: Api<DynamicObject> = match types.kind.as_str() {
                "Namespace" | "RuntimeClass" | "PriorityClass" => Api::all_with(self.admin.clone(), &resource),
                _ => {
                    let place = object.metadata.namespace.as_ref().unwrap_or(&self.name);
                    Api::namespaced_with(self.admin.clone(), place, &resource)
                }
            };
            api.patch(&object.name_any(), &PatchParams::apply("test"), &Patch::Apply(&object)).await?;
        }
        Ok(())
    }

    /// Writes a kubeconfig for a service account of the namespace.
    ///
    /// # Errors
    ///
    /// Whatever the cluster has against it.
    pub async fn write_kubeconfig(&self, service_account: &str) -> Result<PathBuf, Failure> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin.clone(), &self.name);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(7200), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let token = accounts.create_token_request(service_account, &PostParams::default(), &request).await?;
        let token = token.status.ok_or("no token")?.token;
        let source = kubeconfig().ok_or("KUBECONFIG is not set")?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(source)?, &options).await?;
        let certificate = config.root_cert.as_ref().and_then(|certificates| certificates.first());
        let mut cluster = json!({ "server": config.cluster_url.to_string() });
        if let Some(certificate) = certificate {
            let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, certificate);
            let lines: Vec<&str> = encoded.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
            let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
            cluster["certificate-authority-data"] =
                base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pem).into();
        }
        let path = self.kubeconfig_of(service_account);
        fs::write(&path, kubeconfig_text(&cluster, &json!({ "token": token })))?;
        Ok(path)
    }

    /// The kubeconfig of the sidecar, which has the rights of its Role and no others.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_of(SIDECAR)
    }

    /// The kubeconfig of a sidecar whose runs are bare Pods.
    #[must_use]
    pub fn kubeconfig_for_pods(&self) -> PathBuf {
        self.kubeconfig_of(SIDECAR_OF_PODS)
    }

    fn kubeconfig_of(&self, service_account: &str) -> PathBuf {
        self.place.path().join(format!("{service_account}.kubeconfig"))
    }

    /// Objects of a kind in the namespace.
    #[must_use]
    pub fn objects<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.admin.clone(), &self.name)
    }

    /// What runs have left: kinds and names.
    ///
    /// # Errors
    ///
    /// A cluster that does not answer.
    pub async fn left(&self) -> Result<Vec<String>, Failure> {
        let mut left = names::<Job>(&self.objects()).await?;
        left.extend(names::<Pod>(&self.objects()).await?);
        left.extend(names::<ConfigMap>(&self.objects()).await?);
        Ok(left)
    }

    /// Waits until the cluster has taken away what was deleted.
    ///
    /// # Errors
    ///
    /// What is still there.
    pub async fn assert_nothing_left(&self) -> Result<(), Failure> {
        eventually(|| self.left(), Vec::is_empty).await.map(|_| ())
    }

    /// Deletes a RuntimeClass that a test made.
    ///
    /// # Errors
    ///
    /// A cluster that does not answer.
    pub async fn remove_runtime_class(&self, name: &str) -> Result<(), Failure> {
        Api::<RuntimeClass>::all(self.admin.clone()).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Deletes it.
    ///
    /// # Errors
    ///
    /// A cluster that does not answer.
    pub async fn delete(&self) -> Result<(), Failure> {
        let namespaces: Api<NamespaceObject> = Api::all(self.admin.clone());
        namespaces.delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }
}

/// A kubeconfig with one cluster and one user.
pub(super) fn kubeconfig_text(cluster: &serde_json::Value, user: &serde_json::Value) -> String {
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "test", "user": user }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    });
    kubeconfig.to_string()
}

async fn names<K>(api: &Api<K>) -> Result<Vec<String>, Failure>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let found = api.list_metadata(&ListParams::default().labels(RUN)).await?;
    let kind = K::kind(&()).into_owned();
    Ok(found.items.iter().map(|object| format!("{kind} {}", object.name_any())).collect())
}
