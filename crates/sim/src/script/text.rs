//! A script as text, one thing a line, to be read by people and played again.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{At, Entry, PlanSketch, Script, StepSketch};

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "world {}", json(&self.world))?;
        for plan in &self.plans {
            writeln!(f, "plan {}", plan.name)?;
            plan.head.iter().try_for_each(|line| writeln!(f, "  | {line}"))?;
            for StepSketch { name, needs, body } in &plan.steps {
                writeln!(f, "  - {name} needs [{}] {body}", needs.join(" "))?;
            }
        }
        for Entry { at, act } in &self.entries {
            match at {
                At::Ms(ms) => writeln!(f, "at {ms} {}", json(act))?,
                At::Nth(trigger, nth) => writeln!(f, "on {nth} {} {}", json(trigger), json(act))?,
            }
        }
        Ok(())
    }
}

impl FromStr for Script {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Script> {
        let mut world = None;
        let (mut plans, mut entries): (Vec<PlanSketch>, _) = (Vec::new(), Vec::new());
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        for line in lines {
            let (word, rest) = line.trim_start().split_once(' ').unwrap_or((line, ""));
            let plan = || anyhow::Context::context(None::<()>, "a step or head before any plan");
            match word {
                "world" => world = Some(parse(rest)?),
                "plan" => plans.push(PlanSketch { name: rest.into(), head: Vec::new(), steps: Vec::new() }),
                "|" => match plans.last_mut() {
                    Some(plan) => plan.head.push(rest.into()),
                    None => plan()?,
                },
                "-" => match plans.last_mut() {
                    Some(plan) => plan.steps.push(step(rest)?),
                    None => plan()?,
                },
                "at" => {
                    let (ms, act) = rest.split_once(' ').context("at MS ACT")?;
                    entries.push(Entry { at: At::Ms(ms.parse()?), act: parse(act)? });
                }
                "on" => {
                    let mut words = rest.splitn(3, ' ');
                    let mut word = || words.next().context("on N TRIGGER ACT");
                    let nth = word()?.parse()?;
                    let at = At::Nth(parse(word()?)?, nth);
                    entries.push(Entry { at, act: parse(word()?)? });
                }
                other => bail!("a script has no line that begins with `{other}`"),
            }
        }
        Ok(Script { world: world.context("the script says nothing of the world")?, plans, entries })
    }
}

fn step(text: &str) -> anyhow::Result<StepSketch> {
    let (name, rest) = text.split_once(" needs [").context("NAME needs [..] BODY")?;
    let (needs, body) = rest.split_once("] ").context("NAME needs [..] BODY")?;
    let needs = needs.split_whitespace().map(str::to_owned).collect();
    Ok(StepSketch { name: name.into(), needs, body: body.into() })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{error}"))
}

fn parse<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).with_context(|| format!("`{text}` cannot be read"))
}

#[cfg(test)]
mod tests {
    use crate::script::{Script, generate};

    #[test]
    fn a_script_is_read_as_it_was_written() {
        for seed in 0..50 {
            let script = generate(seed);
            let text = script.to_string();
            let read: Script = text.parse().expect("it can be read");
            assert_eq!(read, script);
            assert_eq!(read.to_string(), text);
        }
    }
}
