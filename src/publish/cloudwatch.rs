use super::figures::{Figure, Unit};
use crate::fleet::aws::{Call, sdk_config};
use crate::history::Origin;
use crate::plan::CloudWatchPlan;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};

/// A call takes this many ("PutMetricData", Amazon CloudWatch API reference).
const MOST: usize = 1000;

/// Publishes the figures of the run `origin`, of the profile named, as custom metrics. Returns how many there are.
///
/// # Errors
/// What AWS or the SDK says, with what to do.
pub async fn to_cloudwatch(
    plan: &CloudWatchPlan,
    profile: &str,
    origin: &Origin,
    figures: &[Figure],
) -> Result<usize, String> {
    publish(&sdk_config(plan.region.as_deref()).await, plan, profile, origin, figures).await
}

async fn publish(
    sdk: &SdkConfig,
    plan: &CloudWatchPlan,
    profile: &str,
    origin: &Origin,
    figures: &[Figure],
) -> Result<usize, String> {
    let client = Client::new(sdk);
    let region = sdk.region().map_or_else(|| "no region".to_owned(), ToString::to_string);
    let call = Call { name: "PutMetricData", on: format!("the namespace `{}`", plan.namespace), region };
    let data = data(plan, profile, origin, figures);
    for batch in data.chunks(MOST) {
        let asked = client.put_metric_data().namespace(&plan.namespace).set_metric_data(Some(batch.to_vec()));
        asked.send().await.map_err(|error| call.failed(error).to_string())?;
    }
    Ok(data.len())
}

/// Each figure twice: for the profile, which has a history that alarms and dashboards can follow, and for the run alone.
fn data(plan: &CloudWatchPlan, profile: &str, origin: &Origin, figures: &[Figure]) -> Vec<MetricDatum> {
    let version = plan.version.as_deref().unwrap_or(&origin.tool_version);
    let of_profile = [("Profile", profile)];
    let of_run = [("Profile", profile), ("Version", version), ("Run", origin.run_id.as_str())];
    let at = DateTime::from_secs(origin.zero_unix_us / 1_000_000);
    let datum = |figure: &Figure, dimensions: &[(&str, &str)]| {
        let phase = figure.phase.map(|phase| ("Phase", phase));
        let dimensions = dimensions.iter().copied().chain(phase);
        MetricDatum::builder()
            .metric_name(figure.name)
            .set_dimensions(Some(dimensions.map(|(name, value)| dimension(name, value)).collect()))
            .timestamp(at)
            .value(figure.value)
            .unit(match figure.unit {
                Unit::Count => StandardUnit::Count,
                Unit::Milliseconds => StandardUnit::Milliseconds,
                Unit::Percent => StandardUnit::Percent,
                Unit::Seconds => StandardUnit::Seconds,
                Unit::None => StandardUnit::None,
            })
            .build()
    };
    let finite = || figures.iter().filter(|figure| figure.value.is_finite());
    let histories = finite().map(|figure| datum(figure, &of_profile));
    histories.chain(finite().map(|figure| datum(figure, &of_run))).collect()
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::origin;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_cloudwatch::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use std::sync::{Arc, Mutex};

    fn plan() -> CloudWatchPlan {
        CloudWatchPlan { namespace: "rushhour".to_owned(), region: None, version: Some("shop 1.4.2".to_owned()) }
    }

    /// Bodies of the calls made, where each is answered with this status and body.
    async fn published(figures: &[Figure], answer: (u16, &'static [u8])) -> (Result<usize, String>, Vec<Vec<u8>>) {
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let heard = bodies.clone();
        let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
            heard.lock().unwrap().push(request.body().bytes().unwrap_or_default().to_vec());
            let response = http::Response::builder().status(answer.0).header("smithy-protocol", "rpc-v2-cbor");
            response.header("content-type", "application/cbor").body(SdkBody::from(answer.1)).unwrap()
        });
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .http_client(http)
            .disable_request_compression(true)
            .build();
        let published = publish(&sdk, &plan(), "scale-out", &origin(), figures).await;
        let bodies = std::mem::take(&mut *bodies.lock().unwrap());
        (published, bodies)
    }

    fn figure(value: f64) -> Figure {
        Figure { name: "Survival", phase: None, value, unit: Unit::Percent }
    }

    #[tokio::test(start_paused = true)]
    async fn figures_are_published_in_batches() {
        // An empty map of CBOR.
        let (published, bodies) = published(&vec![figure(100.0); 501], (200, b"\xa0")).await;
        assert_eq!((published, bodies.len()), (Ok(1002), 2));
        let told = |text: &str| bodies.iter().any(|body| memchr::memmem::find(body, text.as_bytes()).is_some());
        for text in ["rushhour", "Survival", "Percent", "Profile", "scale-out", "Version", "shop 1.4.2", "Run"] {
            assert!(told(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let data = data(&plan(), "p", &origin(), &[figure(f64::NAN), figure(f64::INFINITY), figure(1.0)]);
        assert_eq!(data.len(), 2);
        let phased = Figure { phase: Some("during"), ..figure(1.0) };
        let names = |datum: &MetricDatum| -> Vec<String> {
            datum.dimensions().iter().filter_map(|dimension| dimension.name.clone()).collect()
        };
        let data = super::data(&plan(), "p", &origin(), &[phased]);
        assert_eq!(
            data.iter().map(names).collect::<Vec<_>>(),
            [vec!["Profile", "Phase"], vec!["Profile", "Version", "Run", "Phase"]]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_with_the_remedy() {
        // { "__type": "com.amazonaws.cloudwatch#AccessDenied", "message": "no" }
        const DENIED: &[u8] = b"\xa2\x66__type\x78\x25com.amazonaws.cloudwatch#AccessDenied\x67message\x62no";
        let (published, bodies) = published(&[figure(1.0)], (403, DENIED)).await;
        assert_eq!(bodies.len(), 1);
        insta::assert_snapshot!(published.unwrap_err());
    }
}
