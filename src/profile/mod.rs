//! What the user wrote: a TOML file read strictly into file structs. Whether it makes sense is for
//! [`crate::plan::resolve`] to say; errors of both point at the line.

mod aws;
mod compare;
mod error;
mod file;
mod fleet;
mod judgement;
mod keys;
mod load;
mod located;
mod overrides;
mod publish;
mod quantity;
mod reference;
mod scenario;
mod secret;
mod session;
mod store;
mod target;
mod timeline;
mod users;
mod workload;

pub use aws::{AwsFile, BlueGreenFile};
pub use compare::CompareFile;
pub use error::{ProfileError, ProfileErrors, nearest, suggestion};
pub use file::ProfileFile;
pub use fleet::{
    AutoscalerFile, DefectFile, FleetFile, LabStoreFile, PersistenceFile, ProviderFile, ReadsFile, StoreKindFile,
    WarmUpFile,
};
pub use judgement::{LimitFile, ObjectiveFile};
pub use keys::schema;
pub use load::{Profile, load};
pub use located::At;
pub use publish::{CloudWatchFile, PublishFile};
pub use quantity::{QuantityError, Rate, Size, Span, plain_number};
pub use reference::reference;
pub use scenario::{ExpectFile, PollFile, RepeatFile, ScenarioFile, StatusFile, StepFile};
pub use secret::names_a_secret;
pub use session::{AllowFile, IdentityFile, OnRejectedFile, RejectionFile, SessionFile, StateFile};
pub use store::{SentinelsFile, StoreFile, StoreLoginFile, StoreNodeFile, TransportFile};
pub use target::{AccessLogFile, ConnectionModeFile, ConnectionsFile, HttpFile, PlaceFile, StickinessFile, TargetFile};
pub use timeline::{ActionFile, EvictionPolicyFile, FleetStateFile, HowFile, OnFailureFile, TimelineFile};
pub use users::{SecretFile, UsersFile};
pub use workload::{ArrivalsFile, CurveFile, ModelFile, WorkloadFile};
