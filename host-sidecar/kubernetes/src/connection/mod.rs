//! Which cluster, with which credentials, and the connection to it.

mod cluster;
mod credential_program;
mod lazy_cluster;
mod source;

pub(crate) use cluster::Cluster;
pub(crate) use lazy_cluster::LazyCluster;
pub(crate) use source::ClusterSource;
