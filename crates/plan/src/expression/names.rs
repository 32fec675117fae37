//! Every name in a condition must mean something: variables, functions, and the steps and parameters asked about.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};

use super::{About, Mentions};
use crate::reference::RunField;

/// How deep `all`, `exists`, `map` and `filter` may be nested: each level multiplies the work.
const MAX_COMPREHENSIONS: usize = 1;

/// The variables of every condition.
const ROOTS: [&str; 4] = ["params", "run", "steps", "objectives"];

/// What `success` knows besides.
const ANSWER: [&str; 3] = ["exit_code", "stdout", "outputs"];

/// What a plan's `objectives` may say.
const OBJECTIVES: [&str; 2] = ["rto", "rpo"];

const FUNCTIONS: [&str; 18] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "bytes",
    "type",
    "dyn",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];

/// Checks the names of an expression whose size is bounded already, so going down it cannot overflow the stack.
pub(super) fn check(text: &str, about: About, root: &IdedExpr) -> Result<Mentions, String> {
    let mut walk = Walk { text, about, locals: Vec::new(), depth: 0, mentions: Mentions::default() };
    walk.visit(&root.expr)?;
    Ok(walk.mentions)
}

struct Walk<'a> {
    text: &'a str,
    about: About,
    locals: Vec<String>,
    depth: usize,
    mentions: Mentions,
}

impl Walk<'_> {
    fn visit(&mut self, expr: &Expr) -> Result<(), String> {
        if let Some(path) = self.path(expr) {
            return self.asked(&path);
        }
        match expr {
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.visit(&select.operand.expr),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.visit(&element.expr)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(message) => Err(format!(
                "`{}{{…}}` makes a message, and a condition knows no messages; compare texts, numbers and lists",
                message.type_name
            )),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), String> {
        match entry {
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key.expr)?;
                self.visit(&entry.value.expr)
            }
            EntryExpr::StructField(field) => self.visit(&field.value.expr),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<(), String> {
        let name = call.func_name.as_str();
        if name == "matches" {
            return Err("`matches` is not available: regular expressions can take too long; use contains, startsWith or endsWith".to_owned());
        }
        let is_operator = name.starts_with(['_', '@', '!', '-']);
        if !is_operator && !FUNCTIONS.contains(&name) {
            return Err(format!("there is no function `{name}`; there are {}", FUNCTIONS.join(", ")));
        }
        let target = call.target.as_deref();
        target.into_iter().chain(&call.args).try_for_each(|part| self.visit(&part.expr))
    }

    fn comprehension(&mut self, inner: &ComprehensionExpr) -> Result<(), String> {
        self.visit(&inner.iter_range.expr)?;
        if self.depth == MAX_COMPREHENSIONS {
            return Err("all, exists, map and filter cannot stand inside one another; let a step work part of it out, and ask for its output".to_owned());
        }
        self.depth += 1;
        let known = self.locals.len();
        self.locals.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
        self.locals.extend(inner.iter_var2.clone());
        for part in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
            self.visit(&part.expr)?;
        }
        self.locals.truncate(known);
        self.depth -= 1;
        Ok(())
    }

    fn variable(&self, name: &str) -> Result<(), String> {
        if self.locals.iter().any(|local| local == name) || name.starts_with('@') {
            return Ok(());
        }
        let of_answer = ANSWER.contains(&name);
        match name {
            _ if of_answer && self.about == About::Answer => Ok(()),
            _ if of_answer => Err(format!(
                "there is no variable `{name}` here; `exit_code`, `stdout` and `outputs` are those of the step's own action, and known in `success` alone"
            )),
            "params" => Err("the condition asks for all `params` at once; name the one, as in `params.to`".to_owned()),
            "run" => Err("the condition asks for all of `run` at once; name the field, as in `run.mode`".to_owned()),
            "objectives" => Err("the condition asks for all `objectives` at once; name the one, as in `objectives.rpo`".to_owned()),
            "steps" => Err("the condition asks for all `steps` at once; name the one, as in `steps.check.status`: whether it is upstream must be known before the run".to_owned()),
            _ if self.text.contains("steps.") && self.text.contains('-') => Err(format!(
                "there is no variable `{name}`; a step's name with a dash in it must be written `steps[\"a-b\"].outputs.key`, or CEL reads a minus"
            )),
            _ if self.about == About::Answer => Err(format!(
                "there is no variable `{name}`; `success` knows `exit_code`, `stdout` and `outputs`, and `params`, `run`, `steps` and `objectives` (and text stands in quotes)"
            )),
            _ => Err(format!("there is no variable `{name}`; a condition knows `params`, `run`, `steps` and `objectives` (and text stands in quotes)")),
        }
    }

    /// `params.to` and `steps["a"].status` as their parts, root first, when they start at one of the [`ROOTS`].
    fn path<'e>(&self, expr: &'e Expr) -> Option<Vec<&'e str>> {
        let (mut parts, mut at) = (Vec::new(), expr);
        loop {
            match at {
                Expr::Ident(root) if !parts.is_empty() && ROOTS.contains(&root.as_str()) => {
                    let is_local = self.locals.iter().any(|local| local == root);
                    parts.push(root.as_str());
                    parts.reverse();
                    return (!is_local).then_some(parts);
                }
                Expr::Select(select) => {
                    parts.push(&select.field);
                    at = &select.operand.expr;
                }
                Expr::Call(CallExpr { func_name, args, target: None }) if func_name == "_[_]" => {
                    let [operand, index] = args.as_slice() else {
                        return None;
                    };
                    let Expr::Literal(LiteralValue::String(name)) = &index.expr else {
                        return None;
                    };
                    parts.push(name.inner());
                    at = &operand.expr;
                }
                _ => return None,
            }
        }
    }

    fn asked(&mut self, path: &[&str]) -> Result<(), String> {
        match *path {
            ["params", name, ..] => {
                self.mentions.params.insert(name.to_owned());
                Ok(())
            }
            ["objectives", name, ..] if !OBJECTIVES.contains(&name) => Err(format!(
                "there is no objective `{name}`; there are {}, each in seconds",
                OBJECTIVES.join(" and ")
            )),
            ["objectives", name, ..] => {
                self.mentions.objectives.insert(name.to_owned());
                Ok(())
            }
            ["run", field, ..] if !RunField::NAMES.contains(&field) => {
                Err(format!("a run has no `{field}`; it has {}", RunField::NAMES.join(", ")))
            }
            ["steps", name, field, ..] if !matches!(field, "status" | "outputs") => Err(format!(
                "a step has `status` and `outputs`, not `{field}`; write `steps[\"{name}\"].outputs.{field}` for an output of that name"
            )),
            ["steps", name, ref field @ ..] => {
                self.mentions.steps.insert(name.to_owned());
                // `steps["a"]` by itself may be asked for anything that it has.
                if field.first() != Some(&"status") {
                    self.mentions.outputs.insert(name.to_owned());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
