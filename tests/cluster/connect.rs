//! A client of a cluster.

use std::path::Path;

/// Connects as a kubeconfig says.
pub(crate) async fn connect(kubeconfig: &Path) -> kube::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    kube::Client::try_from(config).unwrap()
}
