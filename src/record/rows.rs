use super::dictionary::Dictionary;
use super::schema::{self, taken_apart};
use crate::history::{NameId, Names, Observation, Offset};
use crate::plan::Plan;
use parquet::data_type::{BoolType, DataType, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnDescPtr;
use std::io::Write;

/// Every text that a row can hold. A row keeps codes.
pub(super) struct Texts {
    scenarios: Vec<String>,
    steps: Vec<String>,
    /// Scenario of each step.
    scenario_of: Vec<u16>,
    states: Vec<String>,
    outcomes: Vec<&'static str>,
    connections: Vec<&'static str>,
    identities: Vec<&'static str>,
    names: Names,
}

impl Texts {
    pub fn new(plan: &Plan, names: Names) -> Texts {
        Texts {
            scenarios: plan.scenarios.iter().map(|s| s.name.clone()).collect(),
            steps: plan.steps.iter().map(|s| s.name.clone()).collect(),
            scenario_of: plan.steps.iter().map(|s| s.scenario).collect(),
            states: plan.states.iter().map(|s| s.name.clone()).collect(),
            outcomes: schema::outcome_names(),
            connections: schema::connection_names(),
            identities: schema::identity_names(),
            names,
        }
    }
}

/// A column whose value may be missing: a level a row, and the values that are there.
#[derive(Default)]
struct Optional<T> {
    levels: Vec<i16>,
    values: Vec<T>,
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

/// The rows of one row group, column by column, texts as codes.
#[derive(Default)]
pub(super) struct Rows {
    session: Vec<i64>,
    user: Vec<i32>,
    scenario: Vec<u16>,
    step: Vec<u16>,
    part: Vec<i32>,
    intended: Vec<i64>,
    started: Vec<i64>,
    first_byte: Optional<i64>,
    last_byte: Vec<i64>,
    outcome: Vec<u16>,
    status: Vec<i32>,
    body_bytes: Vec<i64>,
    instance: Optional<u16>,
    zone: Optional<u16>,
    address: Optional<u16>,
    connection: Vec<u16>,
    affinity: Vec<bool>,
    identity: Vec<u16>,
    found_identity: Vec<i64>,
    last_of_session: Vec<bool>,
    states: States,
}

/// The list column: levels are shared by its three leaves.
#[derive(Default)]
struct States {
    definition: Vec<i16>,
    repetition: Vec<i16>,
    name: Vec<u16>,
    op: Vec<u16>,
    value: Vec<i64>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.session.len()
    }

    pub fn push(&mut self, row: &Observation, texts: &Texts) {
        let code = |id: NameId| id.0;
        self.session.push(row.session as i64);
        self.user.push(row.user as i32);
        self.scenario.push(texts.scenario_of[usize::from(row.step.0)]);
        self.step.push(row.step.0);
        self.part.push(row.part.into());
        self.intended.push(row.intended.0);
        self.started.push(row.started.0);
        self.first_byte.push(row.first_byte.map(|Offset(us)| us));
        self.last_byte.push(row.last_byte.0);
        self.outcome.push(schema::outcome_code(row.outcome));
        self.status.push(row.status.into());
        self.body_bytes.push(row.body_bytes.into());
        self.instance.push(row.instance.map(code));
        self.zone.push(row.zone.map(code));
        self.address.push(row.address.map(code));
        self.connection.push(row.connection as u16);
        self.affinity.push(row.affinity);
        self.identity.push(row.identity as u16);
        self.found_identity.push(row.found_identity);
        self.last_of_session.push(row.last_of_session);
        self.states.push(row);
    }

    /// Writes all rows as one row group, and forgets them.
    pub fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>, texts: &Texts) -> Result<()> {
        let schema = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        self.write_columns(&mut Columns { group: &mut group, schema: schema.into_iter(), rows: self.len() }, texts)?;
        group.close()?;
        *self = Rows::default();
        Ok(())
    }

    /// In the order of the schema.
    fn write_columns<W: Write + Send>(&self, columns: &mut Columns<'_, '_, W>, texts: &Texts) -> Result<()> {
        columns.write::<Int64Type>(&self.session)?;
        columns.write_dictionary(Dictionary::of_numbers(&self.user, i32::to_le_bytes), Levels::NONE)?;
        columns.write_texts(&self.scenario, &texts.scenarios, Levels::NONE)?;
        columns.write_texts(&self.step, &texts.steps, Levels::NONE)?;
        columns.write_dictionary(Dictionary::of_numbers(&self.part, i32::to_le_bytes), Levels::NONE)?;
        columns.write::<Int64Type>(&self.intended)?;
        columns.write::<Int64Type>(&self.started)?;
        columns.write_with::<Int64Type>(&self.first_byte.values, Levels::optional(&self.first_byte.levels))?;
        columns.write::<Int64Type>(&self.last_byte)?;
        columns.write_texts(&self.outcome, &texts.outcomes, Levels::NONE)?;
        columns.write_dictionary(Dictionary::of_numbers(&self.status, i32::to_le_bytes), Levels::NONE)?;
        columns.write_dictionary(Dictionary::of_numbers(&self.body_bytes, i64::to_le_bytes), Levels::NONE)?;
        let names = texts.names.all();
        for column in [&self.instance, &self.zone, &self.address] {
            columns.write_texts(&column.values, &names, Levels::optional(&column.levels))?;
        }
        columns.write_texts(&self.connection, &texts.connections, Levels::NONE)?;
        columns.write::<BoolType>(&self.affinity)?;
        columns.write_texts(&self.identity, &texts.identities, Levels::NONE)?;
        columns.write_dictionary(Dictionary::of_numbers(&self.found_identity, i64::to_le_bytes), Levels::NONE)?;
        columns.write::<BoolType>(&self.last_of_session)?;
        let levels = Levels { definition: Some(&self.states.definition), repetition: Some(&self.states.repetition) };
        columns.write_texts(&self.states.name, &texts.states, levels)?;
        columns.write_texts(&self.states.op, &schema::STATE_OP_NAMES, levels)?;
        columns.write_with::<Int64Type>(&self.states.value, levels)
    }
}

impl States {
    /// Definition 1: there is an element; repetition 1: it belongs to the row of the one before (Dremel, Melnik et al.
    /// 2010).
    fn push(&mut self, row: &Observation) {
        if row.states.is_empty() {
            self.definition.push(0);
            self.repetition.push(0);
        }
        for (at, op) in row.states.iter().enumerate() {
            let (op, state, value) = taken_apart(*op);
            self.definition.push(1);
            self.repetition.push(i16::from(at > 0));
            self.name.push(state.into());
            self.op.push(op);
            self.value.push(value);
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Levels<'a> {
    pub definition: Option<&'a [i16]>,
    pub repetition: Option<&'a [i16]>,
}

impl<'a> Levels<'a> {
    pub const NONE: Levels<'static> = Levels { definition: None, repetition: None };

    pub fn optional(definition: &'a [i16]) -> Levels<'a> {
        Levels { definition: Some(definition), repetition: None }
    }
}

/// Writes the columns of a row group one after the other.
struct Columns<'a, 'b, W: Write> {
    group: &'a mut SerializedRowGroupWriter<'b, W>,
    /// The columns still to be written.
    schema: std::vec::IntoIter<ColumnDescPtr>,
    rows: usize,
}

const COMPLETE: &str = "the schema has a column for every field of a row";

impl<W: Write + Send> Columns<'_, '_, W> {
    fn write<T: DataType>(&mut self, values: &[T::T]) -> Result<()> {
        self.write_with::<T>(values, Levels::NONE)
    }

    fn write_with<T: DataType>(&mut self, values: &[T::T], levels: Levels) -> Result<()> {
        self.schema.next().expect(COMPLETE);
        let mut column = self.group.next_column()?.expect(COMPLETE);
        column.typed::<T>().write_batch(values, levels.definition, levels.repetition)?;
        column.close()
    }

    fn write_texts(&mut self, codes: &[u16], table: &[impl AsRef<str>], levels: Levels) -> Result<()> {
        self.write_dictionary(Dictionary::of_texts(codes, table), levels)
    }

    fn write_dictionary(&mut self, values: Dictionary, levels: Levels) -> Result<()> {
        let (chunk, close) = values.chunk(self.schema.next().expect(COMPLETE), self.rows, levels)?;
        self.group.append_column(&chunk, close)
    }
}
