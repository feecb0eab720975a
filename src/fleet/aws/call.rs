use crate::fleet::FleetError;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// What a call was about, for its errors.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: &'static str,
    /// What it was about, such as "the Auto Scaling group `web`".
    pub on: String,
    pub region: String,
}

/// A call that did not do what it was to do: which call, on what, where, why not, and the remedy.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} of {} in {} {}: {said}{}", call.name, call.on, call.region, kind.what(), kind.remedy())]
pub struct CallError {
    pub call: Call,
    pub kind: CallFailure,
    /// By AWS, or by the SDK.
    pub said: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallFailure {
    Denied,
    Expired,
    NoCredentials,
    Throttled,
    NotFound,
    Unreachable,
    /// The call was understood, and not done.
    Refused,
    /// 5xx, or an answer that is none.
    Server,
}

impl CallFailure {
    fn what(self) -> &'static str {
        match self {
            CallFailure::Denied => "was denied",
            CallFailure::Expired => "was refused, as the credentials have expired",
            CallFailure::NoCredentials => "was not sent, as there are no credentials",
            CallFailure::Throttled => "was throttled",
            CallFailure::NotFound => "found nothing",
            CallFailure::Unreachable => "got no answer",
            CallFailure::Refused => "was refused",
            CallFailure::Server => "failed",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            CallFailure::Denied => "; allow it: `rushhour aws policy PROFILE` prints all that a profile needs",
            CallFailure::Expired => {
                "; log in again (`aws sso login`), or use a role, whose credentials renew themselves"
            }
            CallFailure::NoCredentials => {
                "; set AWS_PROFILE, log in with `aws sso login`, or run where there is a role; the SDK looks in all places \
                 that the AWS command line looks in"
            }
            CallFailure::Throttled => "; it is called less often for a while: other tools of the account call it, too",
            CallFailure::NotFound => {
                "; check the name under [fleet.aws], the region, and whose account the credentials are of"
            }
            CallFailure::Unreachable => {
                "; check the name of the region, the way to AWS (proxy, VPC endpoint), and AWS_ENDPOINT_URL if it is set"
            }
            CallFailure::Refused | CallFailure::Server => "",
        }
    }

    /// Whether the call may have done what it was to do all the same.
    pub fn leaves_open(self) -> bool {
        matches!(self, CallFailure::Unreachable | CallFailure::Server)
    }

    /// Whether the same call may come to something else in a while.
    pub fn passes(self) -> bool {
        matches!(self, CallFailure::Throttled | CallFailure::Unreachable | CallFailure::Server)
    }

    fn of_code(code: &str) -> CallFailure {
        match code {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AuthorizationError" => {
                CallFailure::Denied
            }
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => CallFailure::Expired,
            "InvalidClientTokenId" | "UnrecognizedClientException" | "MissingAuthenticationToken" => {
                CallFailure::NoCredentials
            }
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "RequestThrottled"
            // That of S3.
            | "SlowDown" => CallFailure::Throttled,
            "InternalFailure" | "InternalError" | "ServiceUnavailable" | "InternalServiceError" | "RequestTimeout" => {
                CallFailure::Server
            }
            // `TargetGroupNotFound`, `ReplicationGroupNotFoundFault`, …
            other if other.contains("NotFound") => CallFailure::NotFound,
            _ => CallFailure::Refused,
        }
    }
}

impl Call {
    pub fn failed<E, R>(&self, error: SdkError<E, R>) -> CallError
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        if let Some(service) = error.as_service_error() {
            let code = service.code().unwrap_or("no error code");
            let said = service.message().map_or_else(|| code.to_owned(), |message| format!("{message} ({code})"));
            let kind = match service.code() {
                Some(code) => CallFailure::of_code(code),
                None => CallFailure::Server,
            };
            return self.error(kind, said);
        }
        let said = chain(&error);
        // The chain of credential providers has no error type that gets through to here.
        let kind = match &error {
            _ if said.to_lowercase().contains("credentials") => CallFailure::NoCredentials,
            SdkError::ResponseError(_) => CallFailure::Server,
            _ => CallFailure::Unreachable,
        };
        self.error(kind, said)
    }

    pub fn error(&self, kind: CallFailure, said: impl Into<String>) -> CallError {
        CallError { call: self.clone(), kind, said: said.into() }
    }
}

/// An error and its causes, without what Rust prints of their insides.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        // The one of the credential providers is a list with lines of its own.
        let cause_said = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if said.last() != Some(&cause_said) {
            said.push(cause_said);
        }
        next = cause.source();
    }
    said.join(": ")
}

impl From<CallError> for FleetError {
    fn from(error: CallError) -> FleetError {
        FleetError::Call(error.to_string())
    }
}
