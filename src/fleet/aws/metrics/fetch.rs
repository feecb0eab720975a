use super::query::Query;
use super::resources::{self, Resources};
use crate::fleet::aws::call::{Call, CallError};
use crate::fleet::aws::config::config;
use crate::history::{CloudWatchMetrics, MetricPoint, MetricSeries, Offset};
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode};
use std::collections::BTreeMap;

/// A call takes this many ("GetMetricData", Amazon CloudWatch API reference).
const MOST: usize = 500;
const PERIOD: i32 = 60;

/// What CloudWatch has of the time `from` to `to` (seconds from 1970) of a run whose zero is `zero_unix_us`. `settled`:
/// whether values have had their time to come. What cannot be had is among what is returned.
pub async fn read_metrics(
    region: Option<&str>,
    of: &Resources<'_>,
    zero_unix_us: i64,
    (from, to): (i64, i64),
    settled: bool,
) -> CloudWatchMetrics {
    let sdk = config(region).await;
    let (queries, trouble) = resources::queries(&sdk, of).await;
    let mut metrics = read(&sdk, &queries, zero_unix_us, (from, to), settled).await;
    metrics.trouble.extend(trouble);
    metrics
}

async fn read(
    sdk: &SdkConfig,
    queries: &[Query],
    zero_unix_us: i64,
    (from, to): (i64, i64),
    settled: bool,
) -> CloudWatchMetrics {
    let client = Client::new(sdk);
    let region = sdk.region().map_or_else(|| "no region".to_owned(), ToString::to_string);
    let call = Call { name: "GetMetricData", on: "the fleet's metrics".to_owned(), region };
    let minute = i64::from(PERIOD);
    let (from, to) = (from.div_euclid(minute) * minute, (to + minute - 1).div_euclid(minute) * minute);
    let mut metrics = CloudWatchMetrics::default();
    for batch in queries.chunks(MOST) {
        match ask(&client, &call, batch, (from, to)).await {
            Ok(answers) => {
                let series = batch.iter().zip(answers).filter_map(|(query, answer)| {
                    answer.series(query, zero_unix_us, ((to - from) / minute) as usize, settled)
                });
                metrics.series.extend(series);
            }
            Err(error) => metrics.trouble.push(error.to_string()),
        }
    }
    metrics
}

/// What came for a query, over all pages.
#[derive(Clone, Debug, Default)]
struct Answer {
    values: BTreeMap<i64, f64>,
    whole: bool,
}

impl Answer {
    /// None where CloudWatch knows nothing of it: the metric is not collected, or nothing ever happened.
    fn series(&self, query: &Query, zero_unix_us: i64, minutes: usize, settled: bool) -> Option<MetricSeries> {
        let points = self
            .values
            .iter()
            .map(|(second, value)| MetricPoint { at_us: Offset(second * 1_000_000 - zero_unix_us), value: *value });
        let known = !self.values.is_empty() || !self.whole;
        known.then(|| MetricSeries {
            of: query.of,
            namespace: query.namespace.to_owned(),
            metric: query.metric.to_owned(),
            statistic: query.statistic.to_owned(),
            unit: query.unit.to_owned(),
            resource: query.resource.clone(),
            period_seconds: PERIOD as u32,
            complete: self.whole && settled && (!query.gauge || self.values.len() >= minutes),
            points: points.collect(),
        })
    }
}

async fn ask(
    client: &Client,
    call: &Call,
    queries: &[Query],
    (from, to): (i64, i64),
) -> Result<Vec<Answer>, CallError> {
    let asked = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries.iter().enumerate().map(|(at, query)| data_query(at, query)).collect()))
        .start_time(DateTime::from_secs(from))
        .end_time(DateTime::from_secs(to))
        .scan_by(ScanBy::TimestampAscending);
    let mut pages = asked.into_paginator().send();
    let mut answers = vec![Answer::default(); queries.len()];
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| call.failed(error))?;
        for result in page.metric_data_results() {
            let place = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
            let Some(answer) = place.and_then(|place| answers.get_mut(place)) else { continue };
            // Of a metric that goes on on the next page, this one says that it is partial.
            answer.whole = result.status_code() == Some(&StatusCode::Complete);
            let points = result.timestamps().iter().zip(result.values());
            answer.values.extend(points.map(|(at, value)| (at.secs(), *value)));
        }
    }
    Ok(answers)
}

fn data_query(at: usize, query: &Query) -> MetricDataQuery {
    let dimension = |(name, value): &(&str, String)| Dimension::builder().name(*name).value(value).build();
    let metric = Metric::builder()
        .namespace(query.namespace)
        .metric_name(query.metric)
        .set_dimensions(Some(query.dimensions.iter().map(dimension).collect()))
        .build();
    let statistic = MetricStat::builder().metric(metric).period(PERIOD).stat(query.statistic).build();
    MetricDataQuery::builder().id(format!("m{at}")).metric_stat(statistic).build()
}

#[cfg(test)]
mod tests {
    use super::super::query::{of_balancer, of_group};
    use super::*;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_cloudwatch::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_cbor::Encoder;
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use std::sync::{Arc, Mutex};

    /// A page of answers: id, status, seconds with values.
    type Page = Vec<(&'static str, &'static str, Vec<(i64, f64)>)>;

    fn encoded(page: &Page, next: Option<&str>) -> Vec<u8> {
        let mut cbor = Encoder::new(Vec::new());
        cbor.map(if next.is_some() { 2 } else { 1 }).str("MetricDataResults").array(page.len());
        for (id, status, points) in page {
            cbor.map(4).str("Id").str(id).str("StatusCode").str(status);
            cbor.str("Timestamps").array(points.len());
            for (second, _) in points {
                cbor.timestamp(&DateTime::from_secs(*second));
            }
            cbor.str("Values").array(points.len());
            for (_, value) in points {
                cbor.double(*value);
            }
        }
        if let Some(next) = next {
            cbor.str("NextToken").str(next);
        }
        cbor.into_writer()
    }

    /// What is read of a run of two minutes that began half a minute into one, from these pages or this error. The number of
    /// calls made comes with it.
    async fn metrics(queries: &[Query], pages: Vec<Page>, refused: bool, settled: bool) -> (CloudWatchMetrics, usize) {
        let calls: Arc<Mutex<usize>> = Arc::default();
        let counted = calls.clone();
        let http = infallible_client_fn(move |_: http::Request<SdkBody>| {
            let mut call = counted.lock().unwrap();
            *call += 1;
            let response = http::Response::builder().header("smithy-protocol", "rpc-v2-cbor");
            if refused {
                let mut cbor = Encoder::new(Vec::new());
                cbor.map(2).str("__type").str("com.amazonaws.cloudwatch#AccessDenied").str("message").str("no");
                return response.status(403).body(SdkBody::from(cbor.into_writer())).unwrap();
            }
            let next = (*call < pages.len()).then_some("more");
            response.status(200).body(SdkBody::from(encoded(&pages[(*call - 1) % pages.len()], next))).unwrap()
        });
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .http_client(http)
            .build();
        let metrics = read(&sdk, queries, 630_000_000, (630, 750), settled).await;
        let calls = *calls.lock().unwrap();
        (metrics, calls)
    }

    fn told(series: &MetricSeries) -> (&str, &str, bool, Vec<(i64, f64)>) {
        let points = series.points.iter().map(|point| (point.at_us.0 / 1_000_000, point.value)).collect();
        (&series.metric, &series.statistic, series.complete, points)
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_put_together_by_the_runs_clock() {
        let queries = &of_balancer("app/shop/1", "targetgroup/shop/2")[..3];
        // The second query's values go on on the second page; of the third there are none.
        let first = vec![("m0", "Complete", vec![(600, 5.0), (660, 9.0)]), ("m1", "PartialData", vec![(600, 0.2)])];
        let second = vec![("m1", "Complete", vec![(660, 0.3)]), ("m2", "Complete", Vec::new())];
        let (metrics, calls) = metrics(queries, vec![first, second], false, true).await;
        assert_eq!((calls, metrics.trouble.len()), (2, 0));
        assert_eq!(
            metrics.series.iter().map(told).collect::<Vec<_>>(),
            [
                ("RequestCount", "Sum", true, vec![(-30, 5.0), (30, 9.0)]),
                ("TargetResponseTime", "Average", true, vec![(-30, 0.2), (30, 0.3)]),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_series_that_may_lack_values_is_partial() {
        let queries = &of_group("shop")[..1];
        let page = |points: &[(i64, f64)], status| vec![vec![("m0", status, points.to_vec())]];
        let (all, some) = ([(600, 2.0), (660, 2.0), (720, 2.0)], [(600, 2.0), (660, 2.0)]);
        // A gauge has a value for each of the three minutes that the run touches.
        for (points, status, settled, complete) in [
            (&all[..], "Complete", true, true),
            (&some[..], "Complete", true, false),
            (&all[..], "Complete", false, false),
            (&all[..], "PartialData", true, false),
            (&[][..], "InternalError", true, false),
        ] {
            let (metrics, _) = metrics(queries, page(points, status), false, settled).await;
            assert_eq!(metrics.series[0].complete, complete, "{points:?} {status} {settled}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_takes_five_hundred_and_a_refusal_is_told() {
        let queries: Vec<Query> = (0..200).flat_map(|n| of_group(&format!("group-{n}"))).collect();
        let (metrics, calls) = metrics(&queries, Vec::new(), true, true).await;
        assert_eq!((calls, metrics.trouble.len(), queries.len()), (3, 3, 1200));
        insta::assert_snapshot!(metrics.trouble[0]);
    }
}
