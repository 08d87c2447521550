//! What each of several devices holds, and what they exchange, for a split along each axis.

use super::{Planned, bytes};
use crate::table::Table;
use kobai::expr::Axis;
use kobai::plan::report::devices::{Exchange, Kind, Split};
use kobai::plan::{Role, TensorId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Planned<'_> {
    /// A split along each axis of an input that has at least a place for each device.
    fn splits(&self, devices: usize) -> Vec<Split> {
        let inputs = self.plan.tensors.iter().filter(|tensor| matches!(tensor.role, Role::Input(_)));
        let axes: BTreeSet<Axis> = inputs.flat_map(|tensor| tensor.axes.iter().copied()).collect();
        let axes = axes.into_iter().filter(|&axis| self.plan.size(axis) >= devices);
        axes.map(|axis| self.plan.split(axis, devices, self.entry_bytes)).collect()
    }

    pub(super) fn devices_table(&self, devices: usize) -> Table {
        let splits = self.splits(devices);
        let alone = self.plan.split(Axis(u32::MAX), 1, self.entry_bytes);
        let slots = [("devices", devices.to_string())];
        let mut table = Table::new(&[&self.say("word.plan-devices", &slots)]);
        table.heading(&self.say("word.plan-in-full", &[]));
        table.heading(&self.say("word.plan-one-device", &[]));
        for split in &splits {
            table.heading(&self.say("word.plan-split", &[("axis", self.axis(split.axis).to_owned())]));
        }
        let columns: Vec<&Split> = [&alone].into_iter().chain(&splits).collect();
        self.held_rows(&mut table, &columns);
        self.exchange_rows(&mut table, &columns);
        table
    }

    /// Inputs and outputs one by one, temporaries together, and the sum.
    fn held_rows(&self, table: &mut Table, columns: &[&Split]) {
        let full = |id: usize| -> f64 {
            let axes = &self.plan.tensors[id].axes;
            axes.iter().map(|&axis| self.plan.size(axis) as f64).product::<f64>() * self.entry_bytes as f64
        };
        type Group = (&'static str, fn(&Role) -> bool);
        let groups: [Group; 2] = [
            ("word.plan-inputs", |role| matches!(role, Role::Input(_))),
            ("word.plan-outputs", |role| matches!(role, Role::Output(_))),
        ];
        let mut line = |name: String, full: f64, cell: &dyn Fn(&Split) -> f64| {
            let cells = columns.iter().map(|split| bytes(cell(split)));
            table.row([name, bytes(full)].into_iter().chain(cells).collect());
        };
        let mut whole = 0.0;
        for (key, is_of) in groups {
            let members = (0..self.plan.tensors.len()).filter(|&id| is_of(&self.plan.tensors[id].role));
            let members: Vec<usize> = members.collect();
            let sum: f64 = members.iter().map(|&id| full(id)).sum();
            whole += sum;
            line(self.say(key, &[]), sum, &|split| split.bytes(self.plan, is_of));
            for id in members {
                line(format!("  {}", self.tensor(TensorId(id))), full(id), &|split| split.held[id].bytes);
            }
        }
        let temporaries = self.plan.in_full(self.entry_bytes).temporary_bytes;
        let is_temporary = |role: &Role| *role == Role::Temporary;
        line(self.say("word.plan-temporaries", &[]), temporaries, &|split| split.bytes(self.plan, is_temporary));
        line(self.say("word.plan-held", &[]), whole + temporaries, &|split| split.bytes(self.plan, |_| true));
    }

    /// What is exchanged, a line for each tensor and kind.
    fn exchange_rows(&self, table: &mut Table, columns: &[&Split]) {
        let none = || "–".to_owned();
        let mut known: Vec<(TensorId, Kind)> = Vec::new();
        for exchange in columns.iter().flat_map(|split| &split.exchanges) {
            if !known.contains(&(exchange.tensor, exchange.kind)) {
                known.push((exchange.tensor, exchange.kind));
            }
        }
        table.row(vec![self.say("word.plan-exchanged", &[])]);
        for (tensor, kind) in known {
            let reduction = if let Kind::Reduce(reduction) = kind { self.reduction(reduction) } else { String::new() };
            let slots = [("tensor", self.name(tensor)), ("reduction", reduction)];
            let name = format!("  {}", self.say(&format!("word.plan-exchange-{}", key(kind)), &slots));
            let cell = |split: &&Split| {
                let found = split.exchanges.iter().filter(|one| (one.tensor, one.kind) == (tensor, kind));
                let total: f64 = found.map(|one| one.bytes).sum();
                if total > 0.0 { bytes(total) } else { none() }
            };
            table.row([name, none()].into_iter().chain(columns.iter().map(cell)).collect());
        }
        let sent = |split: &&Split| {
            let total: f64 = split.exchanges.iter().map(|one| one.sent_by_each(split.devices)).sum();
            if total > 0.0 { bytes(total) } else { none() }
        };
        let name = self.say("word.plan-sent", &[]);
        table.row([name, none()].into_iter().chain(columns.iter().map(sent)).collect());
    }

    pub(super) fn devices_json(&self, devices: usize) -> Value {
        let exchange = |exchange: &Exchange| {
            json!({
                "tensor": self.name(exchange.tensor),
                "kind": key(exchange.kind),
                "reduction": reduction(exchange.kind),
                "bytes": exchange.bytes,
                "messages": exchange.times,
                "sent_by_each_device": exchange.sent_by_each(devices),
            })
        };
        let split = |split: &Split| {
            let held = split
                .held
                .iter()
                .map(|held| json!({ "tensor": self.name(held.tensor), "bytes": held.bytes, "divided": held.divided }));
            json!({
                "axis": self.axis(split.axis),
                "input_bytes": split.bytes(self.plan, |role| matches!(role, Role::Input(_))),
                "output_bytes": split.bytes(self.plan, |role| matches!(role, Role::Output(_))),
                "temporary_bytes": split.bytes(self.plan, |role| *role == Role::Temporary),
                "held": held.collect::<Vec<_>>(),
                "exchanges": split.exchanges.iter().map(exchange).collect::<Vec<_>>(),
            })
        };
        json!({ "count": devices, "splits": self.splits(devices).iter().map(split).collect::<Vec<_>>() })
    }
}

/// The word for what is exchanged.
fn key(kind: Kind) -> &'static str {
    match kind {
        Kind::Reduce(_) => "reduce",
        Kind::Gather => "gather",
        Kind::Send => "send",
    }
}

/// The name of a reduction, for machines.
fn reduction(kind: Kind) -> Option<String> {
    let Kind::Reduce(reduction) = kind else { return None };
    Some(format!("{reduction:?}").to_lowercase())
}
