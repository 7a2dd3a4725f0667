//! A connection whose requests are counted: every request to the API server, and every status among
//! them that was stored, or refused because another writer was faster.

use std::time::Instant;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;

use crate::api::resource::Kind;
use crate::metrics::Metrics;

/// Returns a connection that is the same but for being counted. Requests that kube repeats by itself
/// count once.
#[must_use]
pub fn measured(client: &Client, metrics: &Metrics) -> Client {
    let (inner, metrics) = (client.clone(), metrics.clone());
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, metrics) = (inner.clone(), metrics.clone());
        async move {
            let method = request.method().clone();
            let status_of = status_written(method.as_str(), request.uri().path());
            let began = Instant::now();
            let answer = inner.send(request).await;
            let code = answer.as_ref().ok().map(|answer: &Response<Body>| answer.status().as_u16());
            metrics.calls.request(method.as_str(), code, began.elapsed());
            if let (Some(controller), Some(code)) = (status_of, code) {
                metrics.controllers.status_answered(controller, code);
            }
            answer
        }
    });
    Client::new(service, namespace).with_valid_until(*client.valid_until())
}

/// Returns the controller whose status a request writes, if it is one of ours.
fn status_written(method: &str, path: &str) -> Option<&'static str> {
    let path = path.strip_prefix("/apis/mason.dev/").filter(|_| method == "PUT")?;
    let mut parts = path.rsplit('/');
    let (Some("status"), Some(_), Some(plural)) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let kind = Kind::ALL.into_iter().find(|kind| kind.plural() == plural)?;
    Some(controller_of(kind))
}

/// Returns what the controller of a kind is called in metrics and logs.
#[must_use]
pub fn controller_of(kind: Kind) -> &'static str {
    // The plural of each is its name with an `s`, as controller-runtime calls the controller.
    kind.plural().trim_end_matches('s')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tower_test::mock;

    use super::*;

    #[test]
    fn only_statuses_of_our_kinds_count_as_such() {
        let of = "/apis/mason.dev/v1alpha1/namespaces/team/operatorruns/x/status";
        assert_eq!(status_written("PUT", of), Some("operatorrun"));
        assert_eq!(status_written("GET", of), None);
        assert_eq!(status_written("PUT", of.trim_end_matches("/status")), None);
        assert_eq!(status_written("PUT", "/api/v1/namespaces/team/pods/x/status"), None);
        assert_eq!(controller_of(Kind::MasonConfig), "masonconfig");
    }

    #[tokio::test]
    async fn an_answer_and_a_status_that_came_too_late_are_counted() {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        let metrics = Metrics::new("0");
        let client = measured(&Client::new(service, "team"), &metrics);
        let path = "/apis/mason.dev/v1alpha1/namespaces/team/operatorruns/x/status";
        let request = Request::put(path).body(Body::empty()).unwrap();
        let answering = tokio::spawn(async move {
            let (_, respond) = server.next_request().await.unwrap();
            respond.send_response(Response::builder().status(409).body(Body::empty()).unwrap());
        });
        let answer = tokio::time::timeout(Duration::from_secs(5), client.send(request)).await;
        assert_eq!(answer.unwrap().unwrap().status(), 409);
        answering.await.unwrap();
        let text = metrics.text();
        for line in [
            "rest_client_requests_total{code=\"409\",method=\"PUT\"} 1",
            "mason_status_conflicts_total{controller=\"operatorrun\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
