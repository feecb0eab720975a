use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::config::AppConfig;
use super::super::jobs::{Job, Lease, MOST_ATTEMPTS, Owner};
use super::Keys;
use super::error::{Repeat, StoreError};
use super::redis_store::RedisClient;

/// Jobs in Redis: a hash for each, and a sorted set of the unfinished ones, scored by the time at which anyone may
/// take them. A queued job's time is when it was queued; a running one's is when its lease runs out. So taking the
/// lowest score that is past finds both new jobs and those left behind, and a lease is renewed by moving it.
///
/// Times are Redis' own, so the instances' clocks need not agree. Each change is a script, because it must look
/// and act as one.
#[derive(Debug)]
pub struct RedisJobs {
    redis: Arc<RedisClient>,
    keys: Keys,
    lease_ms: u64,
    ttl_ms: u64,
}

const NOW: &str = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) ";

/// KEYS: unfinished. ARGV: key prefix, id, ttl, then field and value pairs.
const ENQUEUE: &str = "
    local job = ARGV[1] .. ARGV[2]
    redis.call('HSET', job, unpack(ARGV, 4))
    redis.call('PEXPIRE', job, ARGV[3])
    redis.call('ZADD', KEYS[1], now, ARGV[2])
";

/// KEYS: unfinished. ARGV: key prefix, instance, nonce, lease, most attempts.
const CLAIM: &str = "
    local id = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1)[1]
    if not id then return {} end
    local job = ARGV[1] .. id
    if redis.call('EXISTS', job) == 0 then
        redis.call('ZREM', KEYS[1], id)
        return {}
    end
    if redis.call('HINCRBY', job, 'attempts', 1) > tonumber(ARGV[5]) then
        redis.call('HSET', job, 'state', '\"failed\"')
        redis.call('ZREM', KEYS[1], id)
        return {}
    end
    redis.call('HSET', job, 'state', '\"running\"', 'by', ARGV[2], 'nonce', ARGV[3])
    redis.call('ZADD', KEYS[1], now + ARGV[4], id)
    return redis.call('HGETALL', job)
";

/// KEYS: unfinished, job. ARGV: id, nonce, lease, progress.
const SAVE: &str = "
    if redis.call('HGET', KEYS[2], 'nonce') ~= ARGV[2] then return 0 end
    redis.call('HSET', KEYS[2], 'progress', ARGV[4])
    if tonumber(ARGV[4]) < 1 then
        redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
    else
        redis.call('HSET', KEYS[2], 'state', '\"done\"')
        redis.call('ZREM', KEYS[1], ARGV[1])
    end
    return 1
";

/// KEYS: unfinished, job. ARGV: id, nonce.
const HAND_BACK: &str = "
    if redis.call('HGET', KEYS[2], 'nonce') ~= ARGV[2] then return 0 end
    redis.call('HDEL', KEYS[2], 'nonce')
    redis.call('HSET', KEYS[2], 'state', '\"queued\"')
    redis.call('HINCRBY', KEYS[2], 'attempts', -1)
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    return 1
";

impl RedisJobs {
    pub fn new(redis: Arc<RedisClient>, keys: Keys, config: &AppConfig) -> Self {
        Self { redis, keys, lease_ms: config.jobs.lease_ms, ttl_ms: config.user_data_ttl_ms }
    }

    fn job_key(&self, id: &str) -> String {
        format!("{}{id}", self.keys.job_prefix())
    }

    pub async fn enqueue(&self, job: &Job) -> Result<(), StoreError> {
        let mut script = script(ENQUEUE, &[&self.keys.unfinished_jobs()]);
        script.arg(self.keys.job_prefix()).arg(&job.id).arg(self.ttl_ms);
        script.arg("id").arg(&job.id).arg("user").arg(&job.user);
        script.arg("kind").arg(encode(&job.kind)).arg("seconds").arg(encode(&job.seconds));
        script.arg("state").arg(encode(&job.state)).arg("progress").arg(encode(&job.progress));
        self.redis.command(&script, Repeat::IfNotDone).await
    }

    pub async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let fields = self.redis.command(redis::cmd("HGETALL").arg(self.job_key(id)), Repeat::Freely).await?;
        Ok(decode(fields))
    }

    pub async fn claim(&self, owner: &Owner) -> Result<Option<Job>, StoreError> {
        let mut script = script(CLAIM, &[&self.keys.unfinished_jobs()]);
        script.arg(self.keys.job_prefix()).arg(&owner.instance).arg(&owner.nonce).arg(self.lease_ms);
        script.arg(MOST_ATTEMPTS);
        Ok(decode(self.redis.command(&script, Repeat::IfNotDone).await?))
    }

    pub async fn save(&self, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError> {
        let mut script = script(SAVE, &[&self.keys.unfinished_jobs(), &self.job_key(id)]);
        script.arg(id).arg(&owner.nonce).arg(self.lease_ms).arg(encode(&progress));
        // Saying twice how far it is does no harm.
        let held: bool = self.redis.command(&script, Repeat::Freely).await?;
        Ok(if held { Lease::Held } else { Lease::Lost })
    }

    pub async fn hand_back(&self, id: &str, owner: &Owner) -> Result<(), StoreError> {
        let mut script = script(HAND_BACK, &[&self.keys.unfinished_jobs(), &self.job_key(id)]);
        script.arg(id).arg(&owner.nonce);
        self.redis.command(&script, Repeat::IfNotDone).await
    }
}

fn script(body: &str, keys: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(format!("{NOW}{body}")).arg(keys.len()).arg(keys);
    command
}

fn encode(value: &impl Serialize) -> String {
    serde_json::json!(value).to_string()
}

fn decode(fields: HashMap<String, String>) -> Option<Job> {
    fn field<T: DeserializeOwned>(fields: &HashMap<String, String>, name: &str) -> Option<T> {
        serde_json::from_str(fields.get(name)?).ok()
    }
    Some(Job {
        id: fields.get("id")?.clone(),
        user: fields.get("user")?.clone(),
        kind: field(&fields, "kind")?,
        seconds: field(&fields, "seconds")?,
        state: field(&fields, "state")?,
        progress: field(&fields, "progress")?,
        by: fields.get("by").cloned(),
    })
}
