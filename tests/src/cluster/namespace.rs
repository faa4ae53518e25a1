//! A namespace that is set up like an operator's, with `cofferdam manifests`.

use super::{admin, eventually, kubeconfig};
use crate::{
    conformance::Failure,
    program::{TestDir, stderr, stdout},
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
    api::{
        ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
        PostParams,
    },
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{fmt::Debug, fs, path::PathBuf};

/// Label of the objects of a run.
const RUN_LABEL: &str = "cofferdam.dev/run";
/// Quota of runs that suffices for most tests.
const DEFAULT_QUOTA: u32 = 50;
/// The service accounts of sidecars that create Jobs and of sidecars that create bare Pods.
const SIDECAR: &str = "cofferdam";
const POD_SIDECAR: &str = "cofferdam-pods";

/// A namespace of one test program.
pub struct Namespace {
    /// The namespace's name.
    pub name: String,
    /// A client with all rights.
    pub admin: Client,
    /// Contains the kubeconfigs of the service accounts.
    dir: TestDir,
}

impl Namespace {
    /// Creates a namespace, applies the manifests, and writes kubeconfigs of the sidecar's service accounts.
    ///
    /// # Errors
    ///
    /// The API server refuses a request.
    pub async fn create() -> Result<Self, Failure> {
        Self::with_quota(DEFAULT_QUOTA).await
    }

    /// Like [`Self::create`], with a quota of concurrent runs.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub async fn with_quota(runs: u32) -> Result<Self, Failure> {
        let name = format!("cofferdam-test-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let namespace = Self { name, admin: admin().await?, dir: TestDir::new() };
        for (account, workload) in [(SIDECAR, "job"), (POD_SIDECAR, "pod")] {
            let runs = runs.to_string();
            let args = ["manifests", "--namespace", &namespace.name, "--runs", &runs];
            let args = [&args[..], &["--sidecar-service-account", account]].concat();
            let output = namespace.dir.cofferdam(args).env("COFFERDAM_WORKLOAD", workload).output()?;
            if !output.status.success() {
                return Err(stderr(&output).into());
            }
            namespace.apply(&stdout(&output)).await?;
            namespace.write_kubeconfig(account).await?;
        }
        Ok(namespace)
    }

    /// Settings of a sidecar that creates its runs in this namespace.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some(self.kubeconfig()),
            namespace: self.name.clone(),
            ..Settings::default()
        }
    }

    /// A namespace of this name, which is not created here but by manifests that the test applies.
    ///
    /// # Errors
    ///
    /// The cluster cannot be reached.
    pub async fn named(name: String) -> Result<Self, Failure> {
        Ok(Self { name, admin: admin().await?, dir: TestDir::new() })
    }

    /// Applies YAML documents, each to the namespace in its metadata, or else to this one.
    ///
    /// # Errors
    ///
    /// The API server refuses a request.
    pub async fn apply(&self, yaml: &str) -> Result<(), Failure> {
        for document in yaml.split("\n---\n") {
            // A document may consist of comments only.
            if document.lines().all(|line| line.starts_with('#') || line.trim().is_empty()) {
                continue;
            }
            let object: serde_json::Value = serde_saphyr::from_str(document)?;
            let object: DynamicObject = serde_json::from_value(object)?;
            let types = object.types.clone().ok_or("a document without a kind")?;
            let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
            let api: Api<DynamicObject> = match types.kind.as_str() {
                "Namespace" | "RuntimeClass" | "PriorityClass" => {
                    Api::all_with(self.admin.clone(), &resource)
                }
                _ => {
                    let namespace = object.metadata.namespace.as_ref().unwrap_or(&self.name);
                    Api::namespaced_with(self.admin.clone(), namespace, &resource)
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
    /// The API server refuses a request.
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
            let lines: Vec<&str> =
                encoded.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
            let pem =
                format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
            cluster["certificate-authority-data"] =
                base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pem).into();
        }
        let path = self.kubeconfig_of(service_account);
        fs::write(&path, kubeconfig_text(&cluster, &json!({ "token": token })))?;
        Ok(path)
    }

    /// The kubeconfig of the sidecar, which has only the rights of its Role.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_of(SIDECAR)
    }

    /// The kubeconfig of a sidecar that creates bare Pods.
    #[must_use]
    pub fn kubeconfig_for_pods(&self) -> PathBuf {
        self.kubeconfig_of(POD_SIDECAR)
    }

    fn kubeconfig_of(&self, service_account: &str) -> PathBuf {
        self.dir.path().join(format!("{service_account}.kubeconfig"))
    }

    /// The API of one kind of object in this namespace.
    #[must_use]
    pub fn objects<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.admin.clone(), &self.name)
    }

    /// Kinds and names of the runs' objects that exist.
    ///
    /// # Errors
    ///
    /// The API server does not respond.
    pub async fn remaining_objects(&self) -> Result<Vec<String>, Failure> {
        let mut objects = names::<Job>(&self.objects()).await?;
        objects.extend(names::<Pod>(&self.objects()).await?);
        objects.extend(names::<ConfigMap>(&self.objects()).await?);
        Ok(objects)
    }

    /// Waits until the namespace has no object of a run.
    ///
    /// # Errors
    ///
    /// The objects that remain after a minute.
    pub async fn wait_until_empty(&self) -> Result<(), Failure> {
        eventually(|| self.remaining_objects(), Vec::is_empty).await.map(|_| ())
    }

    /// Deletes a RuntimeClass that a test has created.
    ///
    /// # Errors
    ///
    /// The API server does not respond.
    pub async fn remove_runtime_class(&self, name: &str) -> Result<(), Failure> {
        Api::<RuntimeClass>::all(self.admin.clone()).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Deletes the namespace.
    ///
    /// # Errors
    ///
    /// The API server does not respond.
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
    let found = api.list_metadata(&ListParams::default().labels(RUN_LABEL)).await?;
    let kind = K::kind(&()).into_owned();
    Ok(found.items.iter().map(|object| format!("{kind} {}", object.name_any())).collect())
}
