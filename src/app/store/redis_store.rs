use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Arg, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::super::config::StoreConfig;
use super::super::error::AppError;
use super::error::{Repeat, StoreError};
use super::locate::{Locator, Primary};
use super::slots::{SLOTS, Slot};
use super::waiting_writes::{Unwritten, WaitingWrites};

/// The shared Redis behind one multiplexed connection to each primary.
#[derive(Debug)]
pub struct RedisClient {
    locator: Locator,
    timeout: Duration,
    open: RwLock<Open>,
    /// Held while connecting, so that a lost connection is replaced once and not by every request that missed it. Each
    /// is for some of the slots: whoever waits for one shard of a cluster does not hold up the others.
    connecting: [Mutex<()>; TURNS],
    waiting: Option<WaitingWrites>,
}

/// What is sent in one go.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    Command(&'a Cmd),
    Transaction(&'a Pipeline),
}

impl Question<'_> {
    /// The key that decides where a cluster has this; all keys of one question are in one slot.
    fn key(&self) -> Option<&[u8]> {
        let command = match self {
            Self::Command(command) => *command,
            Self::Transaction(commands) => commands.cmd_iter().next()?,
        };
        let mut words = command.args_iter().filter_map(|word| match word {
            Arg::Simple(word) => Some(word),
            _ => None,
        });
        match words.next()? {
            // The script and the number of keys come first.
            b"EVAL" => words.nth(2),
            _ => words.next(),
        }
    }

    pub(super) async fn ask<T: FromRedisValue>(self, connection: &mut MultiplexedConnection) -> RedisResult<T> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            Self::Transaction(commands) => commands.query_async(connection).await,
        }
    }
}

#[derive(Debug, Default)]
struct Open {
    /// Counts connections, so that a request that failed on an old one does not throw the new one away.
    generation: u64,
    primaries: Vec<(u64, Primary)>,
}

impl Open {
    fn serving(&self, slot: Slot) -> Option<(u64, MultiplexedConnection)> {
        let (generation, primary) = self.primaries.iter().find(|(_, primary)| primary.slots.contains(slot))?;
        Some((*generation, primary.connection.clone()))
    }
}

const TURNS: usize = 16;

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl RedisClient {
    /// Prepares to connect; the first command does.
    ///
    /// # Errors
    /// [`AppError::CaFile`].
    pub fn new(config: &StoreConfig) -> Result<Self, AppError> {
        Ok(Self {
            locator: Locator::new(config)?,
            timeout: Duration::from_millis(config.timeout_ms),
            open: RwLock::default(),
            connecting: [const { Mutex::const_new(()) }; TURNS],
            waiting: WaitingWrites::new(config),
        })
    }

    /// Sends one command.
    ///
    /// # Errors
    /// [`StoreError`], at the latest after the configured time-out.
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd, repeat: Repeat) -> Result<T, StoreError> {
        self.within_timeout(repeat, Question::Command(command)).await
    }

    /// Sends several commands as one transaction: all or none are carried out.
    ///
    /// # Errors
    /// As [`RedisClient::command`].
    pub async fn transaction<T: FromRedisValue>(&self, commands: &Pipeline, repeat: Repeat) -> Result<T, StoreError> {
        debug_assert!(commands.is_transaction(), "a pipeline that may be half done cannot be answered for");
        self.within_timeout(repeat, Question::Transaction(commands)).await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// As [`RedisClient::command`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.command(&redis::cmd("PING"), Repeat::Freely).await
    }

    async fn within_timeout<T: FromRedisValue>(&self, repeat: Repeat, question: Question<'_>) -> Result<T, StoreError> {
        let mut used = None;
        match timeout(self.timeout, self.attempts(repeat, question, &mut used)).await {
            Ok(result) => result,
            Err(_) => {
                // A primary that hangs keeps its connections open; only a new one can lead to its successor.
                if let Some(generation) = used {
                    self.discard(generation);
                }
                Err(StoreError::TimedOut(self.timeout))
            }
        }
    }

    async fn attempts<T: FromRedisValue>(
        &self,
        repeat: Repeat,
        question: Question<'_>,
        used: &mut Option<u64>,
    ) -> Result<T, StoreError> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let slot = self.locator.slot(question.key());
            let connected = match self.waiting.as_ref().filter(|_| repeat == Repeat::IfNotDone) {
                Some(waiting) => {
                    let written = waiting.write(&self.locator, slot, question).await;
                    match written {
                        Err(Unwritten::NotNow(error)) => Err(error),
                        Err(Unwritten::InDoubt(error)) => {
                            self.doubt(slot, &error);
                            return Err(error);
                        }
                        Ok(value) => return Ok(value),
                    }
                }
                None => self.connection(slot).await,
            };
            let failure = match connected {
                Err(error) => error,
                Ok((generation, mut connection)) => {
                    *used = Some(generation);
                    match question.ask(&mut connection).await {
                        Ok(value) => return Ok(value),
                        Err(error) => {
                            let consequence = Consequence::of(&error);
                            if consequence.connection_is_useless {
                                self.discard(generation);
                            }
                            let failure = StoreError::Failed(error.to_string());
                            let again = consequence.surely_not_done
                                || (repeat == Repeat::Freely && consequence.connection_is_useless);
                            if !again {
                                return Err(failure);
                            }
                            failure
                        }
                    }
                }
            };
            if attempt == ATTEMPTS {
                return Err(failure);
            }
            attempt += 1;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connection(&self, slot: Slot) -> Result<(u64, MultiplexedConnection), StoreError> {
        if let Some(current) = self.current(slot) {
            return Ok(current);
        }
        let _turn = self.connecting[usize::from(slot) * TURNS / usize::from(SLOTS)].lock().await;
        if let Some(current) = self.current(slot) {
            return Ok(current);
        }
        let primary = self.locator.connect(slot).await?;
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever came by another of its slots may have been faster.
        if let Some(current) = open.serving(slot) {
            return Ok(current);
        }
        open.generation += 1;
        let (generation, connection) = (open.generation, primary.connection.clone());
        open.primaries.push((generation, primary));
        Ok((generation, connection))
    }

    fn current(&self, slot: Slot) -> Option<(u64, MultiplexedConnection)> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).serving(slot)
    }

    /// A primary without its replicas may be cut off from them, and they follow another one by now: what is written there
    /// would not be read here.
    fn doubt(&self, slot: Slot, error: &StoreError) {
        if let (StoreError::NotReplicated { .. }, Some((generation, _))) = (error, self.current(slot)) {
            self.discard(generation);
        }
    }

    fn discard(&self, generation: u64) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.primaries.retain(|(kept, _)| *kept != generation);
    }
}

/// What an error says about the command and about the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Consequence {
    pub(super) surely_not_done: bool,
    pub(super) connection_is_useless: bool,
}

impl Consequence {
    pub(super) fn of(error: &RedisError) -> Self {
        if refused_by_the_wrong_server(error) {
            return Self { surely_not_done: true, connection_is_useless: true };
        }
        let connection_is_useless = match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => false,
            _ => error.is_io_error() || error.is_unrecoverable_error(),
        };
        Self { surely_not_done: false, connection_is_useless }
    }
}

/// Refusals of a server that is no primary any more, not one yet, cut off from its replicas (`min-replicas-to-write`) or
/// from the rest of its cluster, or that does not have the slot, or not all of it.
const WRONG_SERVER: [&str; 8] =
    ["READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS", "CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN"];

fn refused_by_the_wrong_server(error: &RedisError) -> bool {
    let Some(refusals) = error.clone().into_server_errors() else { return false };
    // In a transaction they come wrapped: EXECABORT, with the reasons beside it or in its text. None of the
    // transaction's commands was carried out then either.
    refusals.iter().any(|(_, refusal)| {
        WRONG_SERVER.contains(&refusal.code())
            || (refusal.code() == "EXECABORT"
                && refusal.details().is_some_and(|details| WRONG_SERVER.iter().any(|code| details.contains(code))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consequence(wire: &[u8]) -> Consequence {
        let error = redis::parse_redis_value(wire).and_then(redis::Value::extract_error).expect_err("an error");
        Consequence::of(&error)
    }

    #[test]
    fn only_a_refusal_by_the_wrong_server_is_worth_a_new_connection_and_another_try() {
        for wire in [
            "-READONLY You can't write against a read only replica.\r\n",
            "-LOADING Redis is loading the dataset in memory\r\n",
            "-NOREPLICAS Not enough good replicas to write.\r\n",
            "-CLUSTERDOWN The cluster is down\r\n",
            "-MOVED 12182 127.0.0.1:7002\r\n",
            "-EXECABORT Transaction discarded because of: READONLY You can't write.\r\n",
        ] {
            let wanted = Consequence { surely_not_done: true, connection_is_useless: true };
            assert_eq!(consequence(wire.as_bytes()), wanted, "{wire}");
        }
        for wire in [
            "-ERR unknown command\r\n",
            "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
            "-EXECABORT Transaction discarded because of previous errors.\r\n",
            "-NOPERM this user has no permissions\r\n",
        ] {
            let wanted = Consequence { surely_not_done: false, connection_is_useless: false };
            assert_eq!(consequence(wire.as_bytes()), wanted, "{wire}");
        }
    }

    #[test]
    fn the_key_is_found_in_whatever_is_asked() {
        let word = |command: &Cmd| Question::Command(command).key().map(<[u8]>::to_vec);
        assert_eq!(word(redis::cmd("GET").arg("a").arg("b")), Some(b"a".to_vec()));
        assert_eq!(word(redis::cmd("EVAL").arg("return 1").arg(2).arg("a").arg("b")), Some(b"a".to_vec()));
        assert_eq!(word(&redis::cmd("PING")), None);
        let transaction = redis::pipe().atomic().incr("a", 1).get("b").to_owned();
        assert_eq!(Question::Transaction(&transaction).key(), Some(b"a".as_slice()));
    }
}
