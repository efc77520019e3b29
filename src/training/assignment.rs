//! The assignment of rows to columns of least total cost.

/// Scratch memory of [`assign`].
#[derive(Default)]
pub struct Scratch {
    row: Vec<f64>,
    column: Vec<f64>,
    least: Vec<f64>,
    owner: Vec<usize>,
    before: Vec<usize>,
    done: Vec<bool>,
}

/// For each row of a square matrix of costs (row by row) its column, so that the sum of costs is the least possible.
///
/// Rows enter one after the other; each time the cheapest chain of exchanges is found with prices that keep all reduced costs
/// non-negative (R. Jonker and A. Volgenant, Computing 38, 325 (1987)). n³ steps.
pub fn assign(cost: &[f64], n: usize, s: &mut Scratch, out: &mut Vec<usize>) {
    // Column n stands for the row that enters.
    s.row.clear();
    s.row.resize(n, 0.0);
    s.column.clear();
    s.column.resize(n + 1, 0.0);
    s.owner.clear();
    s.owner.resize(n + 1, usize::MAX);
    s.before.clear();
    s.before.resize(n + 1, n);
    for i in 0..n {
        s.owner[n] = i;
        s.least.clear();
        s.least.resize(n, f64::INFINITY);
        s.done.clear();
        s.done.resize(n + 1, false);
        let mut j = n;
        while s.owner[j] != usize::MAX {
            s.done[j] = true;
            let r = s.owner[j];
            let (mut step, mut next) = (f64::INFINITY, n);
            for k in 0..n {
                if s.done[k] {
                    continue;
                }
                let reduced = cost[r * n + k] - s.row[r] - s.column[k];
                if reduced < s.least[k] {
                    s.least[k] = reduced;
                    s.before[k] = j;
                }
                if s.least[k] < step {
                    step = s.least[k];
                    next = k;
                }
            }
            if next == n {
                // Costs that are no numbers: any assignment will do.
                next = (0..n).find(|k| !s.done[*k]).unwrap_or(0);
                s.before[next] = j;
                step = 0.0;
            }
            for k in 0..=n {
                if s.done[k] {
                    s.row[s.owner[k]] += step;
                    s.column[k] -= step;
                } else if k < n {
                    s.least[k] -= step;
                }
            }
            j = next;
        }
        while j != n {
            let k = s.before[j];
            s.owner[j] = s.owner[k];
            j = k;
        }
    }
    out.clear();
    out.resize(n, 0);
    for j in 0..n {
        out[s.owner[j]] = j;
    }
}
