use super::key::Span;
use super::logs::AccessLogs;
use crate::fleet::aws::call::{Call, CallError, CallFailure};
use crate::fleet::aws::config::config;
use crate::history::RequestKey;
use crate::plan::AccessLog;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often is looked for new files.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Where the balancer puts its access logs.
pub struct LogSource {
    client: Client,
    place: AccessLog,
    region: String,
    /// Files that were read.
    read: HashSet<String>,
}

impl LogSource {
    /// With credentials and endpoint as the SDK finds them.
    pub async fn connect(place: &AccessLog) -> LogSource {
        LogSource::new(&config(place.region.as_deref()).await, place)
    }

    pub(super) fn new(sdk: &SdkConfig, place: &AccessLog) -> LogSource {
        // Emulators and other stores that speak S3 have no name for each bucket.
        let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(sdk.endpoint_url().is_some()).build();
        let region = sdk.region().map_or_else(|| "no region".to_owned(), ToString::to_string);
        LogSource { client: Client::from_conf(config), place: place.clone(), region, read: HashSet::new() }
    }

    /// Reads the logs of a run into `logs`, looking again until they tell of all `wanted` requests, or the wait is over.
    /// They tell of others, too: of requests whose answer never reached the run. What was read stays there when this is
    /// dropped midway.
    ///
    /// # Errors
    /// What stands in the way and what to do: also where logs are there, but not all.
    pub async fn gather(
        &mut self,
        span: Span,
        mut wanted: Vec<RequestKey>,
        logs: &mut AccessLogs,
    ) -> Result<(), String> {
        let until = Instant::now() + self.place.wait;
        loop {
            let looked = self.look(span, logs).await;
            wanted.retain(|request| logs.find(*request).is_none());
            if wanted.is_empty() {
                return Ok(());
            }
            let over = Instant::now() >= until;
            match looked {
                // Passing trouble, such as S3's `SlowDown`, is no reason to give the logs up.
                Err(error) if over || !error.kind.passes() => return Err(error.to_string()),
                Ok(seen) if over => return Err(self.too_late(seen, logs)),
                _ => {}
            }
            sleep(LOOK_EVERY.min(until - Instant::now())).await;
        }
    }

    /// Reads the files that are new.
    async fn look(&mut self, span: Span, logs: &mut AccessLogs) -> Result<Seen, CallError> {
        let days = span.days();
        let mut seen = Seen::Nothing;
        for account in self.folders(&format!("{}AWSLogs/", self.place.prefix)).await? {
            seen = seen.max(Seen::Enabled);
            for region in self.folders(&format!("{account}elasticloadbalancing/")).await? {
                for day in &days {
                    for key in self.files(&format!("{region}{day}")).await? {
                        if span.may_hold(&key) {
                            seen = Seen::OfTheRun;
                            self.read(key, logs).await?;
                        }
                    }
                }
            }
        }
        Ok(seen)
    }

    async fn read(&mut self, key: String, logs: &mut AccessLogs) -> Result<(), CallError> {
        if self.read.contains(&key) {
            return Ok(());
        }
        let asked = self.client.get_object().bucket(&self.place.bucket).key(&key);
        let answer = asked.send().await.map_err(|error| self.failed("GetObject", &key, error))?;
        let body = answer.body.collect().await.map_err(|error| {
            let call = self.call("GetObject", &key);
            call.error(CallFailure::Unreachable, error.to_string())
        })?;
        logs.read(&body.into_bytes());
        self.read.insert(key);
        Ok(())
    }

    /// What is one level below a folder. Names end in a slash.
    async fn folders(&self, below: &str) -> Result<Vec<String>, CallError> {
        let asked = self.client.list_objects_v2().bucket(&self.place.bucket).prefix(below).delimiter("/");
        let mut pages = asked.into_paginator().send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("ListObjectsV2", below, error))?;
            folders.extend(page.common_prefixes.into_iter().flatten().filter_map(|folder| folder.prefix));
        }
        Ok(folders)
    }

    async fn files(&self, below: &str) -> Result<Vec<String>, CallError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.place.bucket).prefix(below).into_paginator().send();
        let mut files = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("ListObjectsV2", below, error))?;
            files.extend(page.contents.into_iter().flatten().filter_map(|file| file.key));
        }
        Ok(files)
    }

    fn call(&self, name: &'static str, key: &str) -> Call {
        Call { name, on: format!("`s3://{}/{key}`", self.place.bucket), region: self.region.clone() }
    }

    /// What S3 says, in the terms of the profile where it is about the bucket.
    fn failed<E, R>(&self, name: &'static str, key: &str, error: SdkError<E, R>) -> CallError
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let remedy = match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("NoSuchBucket") => {
                "; name the one that the balancer's attribute access_logs.s3.bucket names as `s3` under [target.access_log]"
            }
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                "; the bucket is in another region: set `region` under [target.access_log]"
            }
            Some("AccessDenied") => " (needed: s3:ListBucket on the bucket, s3:GetObject on what is in it)",
            _ => "",
        };
        let mut failed = self.call(name, key).failed(error);
        failed.said.push_str(remedy);
        failed
    }

    fn too_late(&self, seen: Seen, logs: &AccessLogs) -> String {
        let place = format!("s3://{}/{}AWSLogs/", self.place.bucket, self.place.prefix);
        let wait = self.place.wait;
        match seen {
            Seen::Nothing => format!(
                "nothing is in {place}: are access logs enabled? Set the balancer's attributes access_logs.s3.enabled, \
                 access_logs.s3.bucket and access_logs.s3.prefix as `s3` under [target.access_log] says"
            ),
            Seen::Enabled => format!(
                "no access log of the run's time came to {place} within {wait:?}: they are delivered each five minutes and \
                 late; raise `wait` under [target.access_log], and check that the balancer's access logs are still enabled"
            ),
            Seen::OfTheRun if logs.is_empty() => format!(
                "the access logs in {place} tell of no request of this run: is it another balancer's bucket or prefix, or \
                 does something before the balancer replace the header field X-Amzn-Trace-Id?"
            ),
            Seen::OfTheRun => format!(
                "not all access logs of the run came within {wait:?}; raise `wait` under [target.access_log]. Delivery is \
                 best effort: a few lines may never come"
            ),
        }
    }
}

/// How far what was found goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Nothing,
    /// The balancer has written there: logs, or the file by which it tries out whether it may.
    Enabled,
    OfTheRun,
}

#[cfg(test)]
mod tests {
    use super::super::logs::tests::{RUN, gzip, line};
    use super::*;
    use crate::history::Offset;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use std::collections::BTreeMap;
    use std::ops::Range;
    use std::sync::{Arc, Mutex};
    use std::time::{SystemTime, UNIX_EPOCH};

    /// As much of S3 as is asked here, two entries a page.
    #[derive(Default)]
    struct Bucket {
        files: BTreeMap<String, Vec<u8>>,
        /// Answered to every call, or to so many.
        refuses: Option<(u16, &'static str)>,
        refusals: Option<u32>,
        /// Comes with the list after so many.
        late: Option<(u32, String, Vec<u8>)>,
        lists: u32,
        reads: Vec<String>,
    }

    const PAGE: usize = 2;
    const FOLDER: &str = "alb/AWSLogs/123456789012/elasticloadbalancing/eu-central-1/2025/11/02/";

    impl Bucket {
        fn answer(&mut self, uri: &str) -> (u16, Vec<u8>) {
            let more = self.refusals.is_none_or(|left| left > 0);
            if let Some((status, code)) = self.refuses.filter(|_| more) {
                self.refusals = self.refusals.map(|left| left - 1);
                let body = format!("<Error><Code>{code}</Code><Message>as asked</Message></Error>");
                return (status, body.into_bytes());
            }
            let url = url::Url::parse(uri).unwrap();
            let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
            if asked.contains_key("list-type") {
                return (200, self.list(&asked).into_bytes());
            }
            let key = url.path().trim_start_matches('/').to_owned();
            self.reads.push(key.clone());
            (200, self.files[&key].clone())
        }

        fn list(&mut self, asked: &BTreeMap<String, String>) -> String {
            self.lists += 1;
            if let Some((_, key, file)) = self.late.take_if(|(lists, ..)| self.lists > *lists) {
                self.files.insert(key, file);
            }
            let prefix = &asked["prefix"];
            let below = self.files.keys().filter(|key| key.starts_with(prefix));
            let mut entries: Vec<String> = match asked.get("delimiter") {
                None => below.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect(),
                Some(_) => below
                    .filter_map(|key| Some(&key[..prefix.len() + key[prefix.len()..].find('/')? + 1]))
                    .map(|folder| format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"))
                    .collect(),
            };
            entries.dedup();
            let from: usize = asked.get("continuation-token").map_or(0, |token| token.parse().unwrap());
            let more = entries.len() > from + PAGE;
            let next = if more {
                format!("<NextContinuationToken>{}</NextContinuationToken>", from + PAGE)
            } else {
                String::new()
            };
            let page: String = entries.into_iter().skip(from).take(PAGE).collect();
            format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{next}{page}</ListBucketResult>")
        }
    }

    fn source(bucket: &Arc<Mutex<Bucket>>) -> LogSource {
        let bucket = bucket.clone();
        let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
            let (status, body) = bucket.lock().unwrap().answer(&request.uri().to_string());
            http::Response::builder().status(status).body(SdkBody::from(body)).unwrap()
        });
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .http_client(http)
            .build();
        let place = AccessLog {
            bucket: "logs".to_owned(),
            prefix: "alb/".to_owned(),
            region: None,
            wait: Duration::from_secs(600),
        };
        LogSource::new(&sdk, &place)
    }

    /// 22:22 to 22:24 on 2 November 2025.
    fn span() -> Span {
        let from: SystemTime = UNIX_EPOCH + Duration::from_secs(1_762_122_120);
        Span { from, to: from + Duration::from_secs(120) }
    }

    fn file(number: u32) -> (String, Vec<u8>) {
        let key = format!(
            "{FOLDER}123456789012_elasticloadbalancing_eu-central-1_app.b.1_20251102T2225Z_10.0.0.1_{number}.log.gz"
        );
        (key, gzip(&line(RUN, number.into(), "10.0.0.1:80", "200 200", "-")))
    }

    fn key(session: u64) -> RequestKey {
        RequestKey::new(session, Offset(1000))
    }

    async fn gathered(bucket: Bucket, wanted: Range<u64>) -> (Result<(), String>, AccessLogs, Bucket) {
        let bucket = Arc::new(Mutex::new(bucket));
        let mut logs = AccessLogs::new(RUN);
        let gathered = source(&bucket).gather(span(), wanted.map(key).collect(), &mut logs).await;
        let bucket = std::mem::take(&mut *bucket.lock().unwrap());
        (gathered, logs, bucket)
    }

    #[tokio::test(start_paused = true)]
    async fn files_of_the_run_are_read_from_all_pages() {
        let mut bucket = Bucket { files: (0..5).map(file).collect(), ..Bucket::default() };
        let other =
            format!("{FOLDER}123456789012_elasticloadbalancing_eu-central-1_app.b.1_20251102T0005Z_10.0.0.1_x.log.gz");
        bucket.files.insert(other.clone(), Vec::new());
        let (gathered, logs, bucket) = gathered(bucket, 0..5).await;
        assert_eq!((gathered, logs.len()), (Ok(()), 5));
        assert!(bucket.reads.len() == 5 && !bucket.reads.contains(&other), "{:?}", bucket.reads);
    }

    #[tokio::test(start_paused = true)]
    async fn late_files_are_waited_for_and_none_is_read_twice() {
        let (key, late) = file(1);
        let bucket = Bucket { files: [file(0)].into(), late: Some((20, key, late)), ..Bucket::default() };
        let (gathered, logs, bucket) = gathered(bucket, 0..2).await;
        assert_eq!((gathered, logs.len(), bucket.reads.len()), (Ok(()), 2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_of_an_unanswered_request_stands_for_no_other() {
        let (name, late) = file(1);
        let bucket = Bucket { files: [file(0)].into(), late: Some((20, name, late)), ..Bucket::default() };
        let (gathered, logs, _) = gathered(bucket, 1..2).await;
        assert_eq!(gathered, Ok(()));
        assert!(logs.find(key(1)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn passing_trouble_does_not_end_the_wait() {
        // The SDK itself tries three times.
        let bucket = Bucket {
            files: [file(0)].into(),
            refuses: Some((503, "SlowDown")),
            refusals: Some(7),
            ..Bucket::default()
        };
        let (gathered, logs, _) = gathered(bucket, 0..1).await;
        assert_eq!((gathered, logs.len()), (Ok(()), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_is_told_with_the_remedy() {
        let bucket = |keys: &[&str]| Bucket {
            files: keys.iter().map(|key| ((*key).to_owned(), Vec::new())).collect(),
            ..Bucket::default()
        };
        let nothing = gathered(bucket(&["other/file"]), 0..2).await.0.unwrap_err();
        let enabled = gathered(bucket(&["alb/AWSLogs/123456789012/ELBAccessLogTestFile"]), 0..2).await.0.unwrap_err();
        let foreign =
            Bucket { files: [(file(0).0, gzip(&line(RUN + 1, 1, "-", "200 200", "-")))].into(), ..Bucket::default() };
        let foreign = gathered(foreign, 0..2).await.0.unwrap_err();
        let partly = gathered(Bucket { files: [file(0)].into(), ..Bucket::default() }, 0..2).await.0.unwrap_err();
        insta::assert_snapshot!([nothing, enabled, foreign, partly].join("\n\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_are_told_with_the_remedy() {
        let mut told = Vec::new();
        for refuses in [
            (403, "AccessDenied"),
            (404, "NoSuchBucket"),
            (301, "PermanentRedirect"),
            (400, "ExpiredToken"),
            (503, "SlowDown"),
        ] {
            let bucket = Bucket { refuses: Some(refuses), ..Bucket::default() };
            told.push(gathered(bucket, 0..1).await.0.unwrap_err());
        }
        insta::assert_snapshot!(told.join("\n\n"));
    }
}
