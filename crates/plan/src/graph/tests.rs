use super::*;

fn graph(needs: &[&[usize]], lasts_ms: &[u64]) -> Graph {
    Graph::build(needs.iter().map(|needs| needs.to_vec()).collect(), lasts_ms)
}

/// 0 ─► 1 ─► 3 ─► 4, 0 ─► 2 ─► 3, and 5 alone.
fn diamond() -> Graph {
    graph(&[&[], &[0], &[0], &[1, 2], &[3], &[]], &[10, 20, 50, 5, 1, 60])
}

#[test]
fn dependents_and_order_follow_the_needs() {
    let graph = diamond();
    assert_eq!(graph.dependents(0), [1, 2]);
    assert_eq!(graph.dependents(3), [4]);
    assert_eq!(graph.order(), [0, 5, 1, 2, 3, 4]);
}

#[test]
fn the_critical_path_is_the_longest_by_estimates() {
    let graph = diamond();
    assert_eq!(graph.critical_path(), [0, 2, 3, 4]);
    assert_eq!(graph.remaining_ms(0), 66);
    assert_eq!(graph.remaining_ms(1), 26);
    assert_eq!(graph.remaining_ms(5), 60);
    assert!(super::Graph::build(vec![], &[]).critical_path().is_empty());
}

#[test]
fn upstream_reaches_through_others_and_never_back() {
    let graph = diamond();
    assert!(graph.is_upstream(0, 4) && graph.is_upstream(3, 4));
    assert!(
        !graph.is_upstream(4, 0)
            && !graph.is_upstream(1, 2)
            && !graph.is_upstream(5, 4)
            && !graph.is_upstream(0, 0)
    );
}

#[test]
fn many_questions_about_a_long_chain_are_answered_in_one_go() {
    let length = 10_000;
    let needs: Vec<Vec<usize>> =
        (0..length).map(|index: usize| index.checked_sub(1).into_iter().collect()).collect();
    let graph = Graph::build(needs, &vec![u64::MAX / 2; length]);
    let pairs: Vec<_> = (0..200).map(|index| (index, length - 1 - index)).chain([(9_000, 10)]).collect();
    let found = graph.are_upstream(&pairs);
    assert!(found[..200].iter().all(|found| *found));
    assert!(!found[200]);
    assert_eq!(graph.remaining_ms(0), u64::MAX);
    assert_eq!(graph.critical_path().len(), length);
}

#[test]
fn a_branch_is_what_serves_its_end_alone() {
    let graph = diamond();
    assert_eq!(graph.branch_of(1), [1], "step 0 serves step 2 as well");
    assert_eq!(graph.branch_of(3), [0, 1, 2, 3], "both arms end in step 3");
    assert_eq!(graph.branch_of(4), [0, 1, 2, 3, 4]);
    assert_eq!(graph.branch_of(0), [0], "nothing downstream belongs to it");
    assert_eq!(graph.branch_of(5), [5]);
}

/// 0 ─► 1 ─► 2 ─► 4, 1 ─► 4, and 1 ─► 3.
#[test]
fn a_short_cut_past_the_end_stays_inside_and_a_way_out_does_not() {
    let needs: &[&[usize]] = &[&[], &[0], &[1], &[1], &[2, 1]];
    assert_eq!(graph(needs, &[1; 5]).branch_of(2), [2], "step 1 serves step 3 as well");
    assert_eq!(graph(&[&[], &[0], &[1], &[], &[2, 1]], &[1; 5]).branch_of(2), [0, 1, 2]);
}

#[test]
fn cycles_are_named_from_their_first_step_on() {
    let needs = vec![vec![3], vec![0], vec![1], vec![1], vec![4], vec![2]];
    assert_eq!(cycles(&needs), [vec![0, 3, 1], vec![4]]);
    assert!(cycles(&[vec![], vec![0]]).is_empty());
}

#[test]
fn a_fan_out_lasts_as_many_rounds_as_it_needs() {
    let source = "{apiVersion: baton/v1, kind: Plan, metadata: {name: p}, spec: {steps: [
        {name: five, forEach: {items: [a, b, c, d, e], parallel: 2}, wait: 10s},
        {name: at-once, forEach: [a, b, c], wait: 10s},
        {name: gate, gate: true}, {name: barrier, needs: [gate], barrier: {}}]}}";
    let plan = crate::check(source).unwrap().plan;
    assert_eq!(plan.steps.iter().map(estimate_ms).collect::<Vec<_>>(), [30_000, 10_000, 0, 0]);
}
