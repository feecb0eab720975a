//! What users own, in one DynamoDB table: an item for each thing, changed by one conditional write at a time, with the
//! time at which it ends.

mod item;
mod jobs;
mod operations;
mod table;

pub(super) use operations::Dynamodb;
