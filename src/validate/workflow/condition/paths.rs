//! Paths in a condition: look-ups by literals from `parameters`, `steps` or `run`, each of which becomes one identifier.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};

use super::super::scope::{PLANNED_AT, Path, ROOTS, Root, Segment, StepField, is_name};
use super::check::{Visitor, literal, node};
use super::parse::Variable;

impl Visitor {
    /// Returns the root, the look-ups and whether it stands in `has()`, if an expression is a path of literals from a root.
    pub(super) fn chain<'a>(
        &self,
        expression: &'a IdedExpr,
    ) -> Option<(&'a str, Vec<Segment>, bool)> {
        let (mut segments, mut is_test, mut at) = (Vec::new(), false, expression);
        loop {
            match &at.expr {
                // `has(…)` is the end of a path: what follows is no part of it.
                Expr::Select(select) if select.test && !std::ptr::eq(at, expression) => {
                    return None;
                }
                Expr::Select(select) => {
                    is_test |= select.test;
                    segments.push(Segment::Field(select.field.clone()));
                    at = &select.operand;
                }
                Expr::Call(call) if call.func_name == operators::INDEX => {
                    let [operand, index] = call.args.as_slice() else { return None };
                    segments.push(literal_segment(index)?);
                    at = operand;
                }
                Expr::Ident(root) if ROOTS.contains(&root.as_str()) => {
                    segments.reverse();
                    return (!self.bound.contains(root)).then_some((
                        root.as_str(),
                        segments,
                        is_test,
                    ));
                }
                _ => return None,
            }
        }
    }

    /// Returns the identifier that stands for a path.
    pub(super) fn variable(
        &mut self,
        root: &str,
        segments: Vec<Segment>,
        is_test: bool,
    ) -> Result<IdedExpr, String> {
        if root == "run" {
            return self.run_phase(&segments, is_test);
        }
        let wrong_field = segments.iter().find_map(|segment| match segment {
            Segment::Field(name) if name.contains('`') => Some(name),
            _ => None,
        });
        if let Some(name) = wrong_field {
            return Err(format!("field {name} must be written as `[\"…\"]`"));
        }
        let path = path_of(root, segments)?;
        let (name, variable) = if is_test {
            (format!("has({path})"), Variable::Has(path))
        } else {
            (path.to_string(), Variable::Value(path))
        };
        self.variables.insert(name.clone(), variable);
        Ok(node(Expr::Ident(name)))
    }

    fn run_phase(&mut self, segments: &[Segment], is_test: bool) -> Result<IdedExpr, String> {
        if *segments != [Segment::Field("phase".to_owned())] {
            return Err("`run` has nothing but `run.phase`".to_owned());
        }
        if !self.in_finally {
            return Err("`run.phase` is known only to `finally` steps".to_owned());
        }
        if is_test {
            return Ok(literal(LiteralValue::Boolean(true.into())));
        }
        self.variables.insert("run.phase".to_owned(), Variable::RunPhase);
        Ok(node(Expr::Ident("run.phase".to_owned())))
    }
}

/// Returns the path that look-ups from a root other than `run` make.
fn path_of(root: &str, segments: Vec<Segment>) -> Result<Path, String> {
    match root {
        "item" => return Ok(Path { root: Root::Item, segments }),
        "schedule" if segments == [Segment::Field(PLANNED_AT.to_owned())] => {
            return Ok(Path { root: Root::PlannedAt, segments: Vec::new() });
        }
        "schedule" => return Err(format!("`schedule` has nothing but `schedule.{PLANNED_AT}`")),
        _ => {}
    }
    let mut segments = segments.into_iter();
    let what = if root == "steps" { "step" } else { "parameter" };
    let name = match segments.next() {
        Some(Segment::Field(name)) if is_name(&name) => name,
        Some(Segment::Field(name)) => {
            return Err(format!("`{name}` cannot be the name of a {what}"));
        }
        _ => return Err(format!("`{root}` is followed by the name of a {what}, `{root}.name`")),
    };
    if root != "steps" {
        return Ok(Path { root: Root::Parameter(name), segments: segments.collect() });
    }
    let names = StepField::ALL.map(StepField::as_str).join(", ");
    let field = match segments.next() {
        Some(Segment::Field(field)) => StepField::of(&field)
            .ok_or_else(|| format!("a step has no field `{field}`, only {names}"))?,
        _ => return Err(format!("`steps.{name}` is followed by one of {names}")),
    };
    let segments: Vec<Segment> = segments.collect();
    if field != StepField::Result && !segments.is_empty() {
        return Err(format!("`steps.{name}.{}` has no fields or items", field.as_str()));
    }
    Ok(Path { root: Root::Step { id: name, field }, segments })
}

fn literal_segment(index: &IdedExpr) -> Option<Segment> {
    match &index.expr {
        Expr::Literal(LiteralValue::String(key)) => Some(Segment::Field(key.inner().to_owned())),
        Expr::Literal(LiteralValue::Int(index)) => {
            usize::try_from(*index.inner()).ok().map(Segment::Index)
        }
        Expr::Literal(LiteralValue::UInt(index)) => {
            usize::try_from(*index.inner()).ok().map(Segment::Index)
        }
        _ => None,
    }
}
