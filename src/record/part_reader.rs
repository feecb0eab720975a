use super::column_reader::{Column, Columns, TextColumn};
use super::schema::{self, put_together, schema};
use crate::history::{ConnectionUse, Identity, NameId, Names, Observation, Offset, Outcome, StateOp, StepId};
use crate::plan::Plan;
use parquet::data_type::{BoolType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

/// Rows decoded at a time: enough to be fast, few enough to stay in the processor's cache.
const BATCH: usize = 8192;

/// Why a part, or the rest of one, cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("{0}")]
    Parquet(#[from] ParquetError),
    #[error("its columns are not those of this format")]
    Columns,
    #[error("column {0} ends before the others")]
    Short(&'static str),
    #[error("{value:?} is not a {what} of this plan or format")]
    Unknown { what: &'static str, value: String },
    #[error("a row's step is not one of its scenario in this plan")]
    Step,
    #[error("{what} is out of range")]
    Range { what: &'static str },
}

/// Finds the codes of texts. Lives as long as a whole run is read, so that names keep their numbers.
pub(super) struct Codes {
    scenarios: HashMap<Vec<u8>, u16>,
    step_names: HashMap<Vec<u8>, u16>,
    /// By scenario and step name: the one look-up that is made for every row.
    steps: FxHashMap<(u16, u16), StepId>,
    states: HashMap<Vec<u8>, u16>,
    state_ops: HashMap<Vec<u8>, u16>,
    outcomes: HashMap<Vec<u8>, u16>,
    connections: HashMap<Vec<u8>, u16>,
    identities: HashMap<Vec<u8>, u16>,
    pub names: Names,
}

impl Codes {
    pub fn new(plan: &Plan, names: Names) -> Codes {
        let scenarios = numbered(plan.scenarios.iter().map(|s| s.name.as_str()));
        let step_names = numbered(plan.steps.iter().map(|s| s.name.as_str()));
        let mut steps = FxHashMap::default();
        for (id, step) in plan.steps.iter().enumerate() {
            let scenario = scenarios[plan.scenarios[usize::from(step.scenario)].name.as_bytes()];
            steps.entry((scenario, step_names[step.name.as_bytes()])).or_insert(StepId(id as u16));
        }
        Codes {
            scenarios,
            step_names,
            steps,
            states: numbered(plan.states.iter().map(|s| s.name.as_str())),
            state_ops: numbered(schema::STATE_OP_NAMES),
            outcomes: numbered(schema::outcome_names()),
            connections: numbered(schema::connection_names()),
            identities: numbered(schema::identity_names()),
            names,
        }
    }
}

/// Texts by their place in the list; of equal ones, the first.
fn numbered<'a>(texts: impl IntoIterator<Item = &'a str>) -> HashMap<Vec<u8>, u16> {
    let mut codes = HashMap::new();
    for (at, text) in texts.into_iter().enumerate() {
        codes.entry(text.as_bytes().to_vec()).or_insert(at as u16);
    }
    codes
}

/// Reads a part batch by batch.
pub(super) struct PartReader {
    file: SerializedFileReader<File>,
    next_group: usize,
    group: Option<Group>,
}

impl PartReader {
    pub fn open(path: &Path) -> Result<PartReader, Damage> {
        let file = SerializedFileReader::new(File::open(path)?)?;
        if file.metadata().file_metadata().schema() != schema().as_ref() {
            return Err(Damage::Columns);
        }
        Ok(PartReader { file, next_group: 0, group: None })
    }

    /// Replaces `rows` by the next rows of the part; false at its end.
    pub fn read(&mut self, codes: &Codes, rows: &mut Vec<Observation>) -> Result<bool, Damage> {
        rows.clear();
        if self.group.as_ref().is_none_or(|group| group.rows_left == 0) {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            self.group = Some(Group::open(&*self.file.get_row_group(self.next_group)?)?);
            self.next_group += 1;
        }
        let group = self.group.as_mut().expect("it was just opened, or has rows left");
        group.read(codes, rows)?;
        Ok(true)
    }
}

/// The columns of a row group, in the order of the schema.
struct Group {
    rows_left: usize,
    session: Column<Int64Type>,
    user: Column<Int32Type>,
    scenario: TextColumn,
    step: TextColumn,
    part: Column<Int32Type>,
    intended: Column<Int64Type>,
    started: Column<Int64Type>,
    first_byte: Column<Int64Type>,
    last_byte: Column<Int64Type>,
    outcome: TextColumn,
    status: Column<Int32Type>,
    body_bytes: Column<Int64Type>,
    instance: TextColumn,
    zone: TextColumn,
    address: TextColumn,
    connection: TextColumn,
    affinity: Column<BoolType>,
    identity: TextColumn,
    found_identity: Column<Int64Type>,
    last_of_session: Column<BoolType>,
    state_name: TextColumn,
    state_op: TextColumn,
    state_value: Column<Int64Type>,
}

impl Group {
    fn open(group: &dyn RowGroupReader) -> Result<Group, Damage> {
        let mut columns = Columns { group, next: 0 };
        Ok(Group {
            rows_left: group.metadata().num_rows() as usize,
            session: columns.next("session")?,
            user: columns.next("user")?,
            scenario: columns.next_text("scenario")?,
            step: columns.next_text("step")?,
            part: columns.next("part")?,
            intended: columns.next("intended_us")?,
            started: columns.next("started_us")?,
            first_byte: columns.next("first_byte_us")?,
            last_byte: columns.next("last_byte_us")?,
            outcome: columns.next_text("outcome")?,
            status: columns.next("status")?,
            body_bytes: columns.next("body_bytes")?,
            instance: columns.next_text("instance")?,
            zone: columns.next_text("zone")?,
            address: columns.next_text("address")?,
            connection: columns.next_text("connection")?,
            affinity: columns.next("affinity")?,
            identity: columns.next_text("identity")?,
            found_identity: columns.next("found_identity")?,
            last_of_session: columns.next("last_of_session")?,
            state_name: columns.next_text("states.name")?,
            state_op: columns.next_text("states.op")?,
            state_value: columns.next("states.value")?,
        })
    }

    /// Appends the next [`BATCH`] rows, or what is left.
    fn read(&mut self, codes: &Codes, out: &mut Vec<Observation>) -> Result<(), Damage> {
        let rows = self.rows_left.min(BATCH);
        self.load(codes, rows)?;
        self.rows_left -= rows;
        for at in 0..rows {
            let row = self.row(codes, at)?;
            out.push(row);
        }
        Ok(())
    }

    fn load(&mut self, codes: &Codes, rows: usize) -> Result<(), Damage> {
        for column in [
            &mut self.session,
            &mut self.intended,
            &mut self.started,
            &mut self.first_byte,
            &mut self.last_byte,
            &mut self.body_bytes,
            &mut self.found_identity,
            &mut self.state_value,
        ] {
            column.load(rows)?;
        }
        for column in [&mut self.user, &mut self.part, &mut self.status] {
            column.load(rows)?;
        }
        for column in [&mut self.affinity, &mut self.last_of_session] {
            column.load(rows)?;
        }
        for (column, table) in [
            (&mut self.scenario, &codes.scenarios),
            (&mut self.step, &codes.step_names),
            (&mut self.outcome, &codes.outcomes),
            (&mut self.connection, &codes.connections),
            (&mut self.identity, &codes.identities),
            (&mut self.state_name, &codes.states),
            (&mut self.state_op, &codes.state_ops),
        ] {
            column.load(rows, |text| table.get(text).copied())?;
        }
        for column in [&mut self.instance, &mut self.zone, &mut self.address] {
            column.load(rows, |text| Some(codes.names.id(std::str::from_utf8(text).ok()?).0))?;
        }
        let states = self.state_value.values.len();
        if self.state_name.codes.len() == states && self.state_op.codes.len() == states {
            Ok(())
        } else {
            Err(Damage::Short("states"))
        }
    }

    fn row(&mut self, codes: &Codes, at: usize) -> Result<Observation, Damage> {
        let step = (self.scenario.codes[at], self.step.codes[at]);
        let step = *codes.steps.get(&step).ok_or(Damage::Step)?;
        Ok(Observation {
            session: self.session.values[at] as u64,
            user: self.user.values[at] as u32,
            step,
            part: self.part.values[at].try_into().map_err(|_| Damage::Range { what: "part" })?,
            intended: Offset(self.intended.values[at]),
            started: Offset(self.started.values[at]),
            first_byte: self.first_byte.optional(at).map(Offset),
            last_byte: Offset(self.last_byte.values[at]),
            outcome: Outcome::ALL[usize::from(self.outcome.codes[at])],
            status: self.status.values[at].try_into().map_err(|_| Damage::Range { what: "status" })?,
            body_bytes: self.body_bytes.values[at].try_into().map_err(|_| Damage::Range { what: "body_bytes" })?,
            instance: self.instance.optional(at).map(NameId),
            zone: self.zone.optional(at).map(NameId),
            address: self.address.optional(at).map(NameId),
            connection: ConnectionUse::ALL[usize::from(self.connection.codes[at])],
            affinity: self.affinity.values[at],
            identity: Identity::ALL[usize::from(self.identity.codes[at])],
            found_identity: self.found_identity.values[at],
            last_of_session: self.last_of_session.values[at],
            states: self.states()?,
        })
    }

    /// The next row's list.
    fn states(&mut self) -> Result<Vec<StateOp>, Damage> {
        let range = self.state_value.next_list();
        let op = |at: usize| {
            let state = self.state_name.codes[at] as u8;
            put_together(self.state_op.codes[at], state, self.state_value.values[at])
        };
        range.map(|at| op(at).ok_or(Damage::Range { what: "state" })).collect()
    }
}
