//! What the control plane is asked, in whichever protocol its services are spoken to.

use aws_smithy_cbor::{Decoder, data::Type};
use aws_smithy_types::body::SdkBody;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Query,
    Cbor,
    Json,
}

pub struct Request {
    pub call: String,
    pub protocol: Protocol,
    pub parameters: BTreeMap<String, String>,
}

impl Request {
    pub fn read(http: &http::Request<SdkBody>) -> Request {
        let body = http.body().bytes().expect("the whole body is there");
        if let Some((_, call)) = http.uri().path().rsplit_once("/operation/") {
            return Request { call: call.to_owned(), protocol: Protocol::Cbor, parameters: read_cbor(body) };
        }
        if let Some(target) = http.headers().get("x-amz-target").and_then(|target| target.to_str().ok()) {
            let call = target.rsplit('.').next().unwrap_or_default().to_owned();
            return Request { call, protocol: Protocol::Json, parameters: read_json(body) };
        }
        if let Some((call, on)) = resource_call(http) {
            let mut parameters = read_json(body);
            let query = http.uri().query().unwrap_or_default().as_bytes();
            parameters.extend(url::form_urlencoded::parse(query).into_owned());
            parameters.extend(on.map(|on| ("id".to_owned(), on)));
            return Request { call: call.to_owned(), protocol: Protocol::Json, parameters };
        }
        let parameters: BTreeMap<String, String> =
            url::form_urlencoded::parse(body).map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        Request { call: parameters["Action"].clone(), protocol: Protocol::Query, parameters }
    }

    /// The call and what it asks for, in a line.
    pub fn summary(&self) -> String {
        let asked = self.parameters.iter().filter(|(key, _)| !["Action", "Version"].contains(&key.as_str()));
        let asked: Vec<String> = asked.map(|(key, value)| format!("{key}={value}")).collect();
        format!("{} {}", self.call, asked.join(" "))
    }

    pub fn get(&self, key: &str) -> &str {
        self.parameters.get(key).map_or("", String::as_str)
    }

    pub fn all(&self, list: &str) -> Vec<&str> {
        let prefix = format!("{list}.member.");
        self.parameters.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(_, value)| value.as_str()).collect()
    }
}

/// Call, and what it is about, of a service that is called by method and path.
fn resource_call(http: &http::Request<SdkBody>) -> Option<(&'static str, Option<String>)> {
    let mut parts = http.uri().path().trim_start_matches('/').splitn(2, '/');
    let (kind, on) = (parts.next()?, parts.next().filter(|on| !on.is_empty()).map(str::to_owned));
    let call = match (http.method().as_str(), kind) {
        ("GET", "managedresources") => "GetManagedResource",
        ("POST", "zonalshifts") => "StartZonalShift",
        ("DELETE", "zonalshifts") => "CancelZonalShift",
        ("GET", "experimentTemplates") => "GetExperimentTemplate",
        ("POST", "experiments") => "StartExperiment",
        ("GET", "zonalshifts") => "ListZonalShifts",
        ("GET", "experiments") if on.is_none() => "ListExperiments",
        ("GET", "experiments") => "GetExperiment",
        ("DELETE", "experiments") => "StopExperiment",
        _ => return None,
    };
    Some((call, on))
}

/// The strings of a request, by their names.
fn read_json(body: &[u8]) -> BTreeMap<String, String> {
    let read: BTreeMap<String, serde_json::Value> = serde_json::from_slice(body).unwrap_or_default();
    read.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// The strings and times of a request, by their names.
fn read_cbor(body: &[u8]) -> BTreeMap<String, String> {
    let mut decoder = Decoder::new(body);
    let mut found = BTreeMap::new();
    decoder.map().expect("a request is a map");
    while let Ok(kind) = decoder.datatype() {
        if kind == Type::Break {
            break;
        }
        let name = decoder.string().expect("names are strings");
        match decoder.datatype().expect("a name has a value") {
            Type::String => {
                found.insert(name, decoder.string().unwrap());
            }
            Type::Tag => {
                let time = decoder.timestamp().unwrap();
                found.insert(name, time.as_secs_f64().to_string());
            }
            _ => decoder.skip().unwrap(),
        }
    }
    found
}
