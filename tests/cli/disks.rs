//! Disks that are full or read-only, as they are: file systems mounted in a namespace of the test's own.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Called, Mason};

/// A file system of its own on a folder, seen only by what is called through it.
struct Mounted<'a> {
    mason: &'a Mason,
    folder: &'static str,
    keeper: Child,
}

impl<'a> Mounted<'a> {
    /// Mounts an empty file system of so many KiB; nothing, and said so, where the system forbids it.
    #[expect(
        clippy::print_stderr,
        clippy::unwrap_in_result,
        reason = "a test that is skipped says so; one that cannot set up fails"
    )]
    fn new(mason: &'a Mason, folder: &'static str, kib: u32) -> Option<Self> {
        std::fs::create_dir_all(mason.path(folder)).unwrap();
        let script = format!("mount -t tmpfs -o size={kib}k tmpfs {folder} && echo mounted && cat");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        command.current_dir(mason.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut keeper) = command.spawn() else {
            eprintln!("skipped: there is no `unshare` here to mount a file system with");
            return None;
        };
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "mounted\n" {
            keeper.wait().unwrap();
            eprintln!("skipped: this system allows no mounts in a namespace of one's own");
            return None;
        }
        Some(Self { mason, folder, keeper })
    }

    /// Returns a command within the namespace, with the environment of the binary's.
    fn within(&self, program: &Path, args: &[&str]) -> Command {
        let keeper = self.keeper.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &keeper, "--user", "--mount", "--preserve-credentials", "--"]);
        // Entering leaves the working folder, which is that of the namespace only when named anew.
        command.args(["sh", "-c", r#"cd "$0" && exec "$@""#]).arg(self.mason.path(""));
        command.arg(program).args(args);
        let like = self.mason.command::<&str>([]);
        command.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    fn call(&self, args: &[&str]) -> Called {
        let mut command = self.within(Path::new(env!("CARGO_BIN_EXE_mason")), args);
        self.mason.finish(&mut command, "")
    }

    fn shell(&self, script: &str) -> String {
        let mut command = self.within(Path::new("sh"), &["-c", script]);
        let done = self.mason.finish(&mut command, "");
        assert_eq!(done.code, 0, "{script}: {done:?}");
        done.out
    }

    /// Fills the disk up to so many free KiB.
    fn fill(&self, free_kib: u32) {
        let filler = format!("{}/filler", self.folder);
        self.shell(&format!(
            "dd if=/dev/zero of={filler} bs=4k 2>/dev/null || true; truncate -s -{free_kib}K {filler}"
        ));
    }

    fn free(&self) {
        self.shell(&format!("rm -f {}/filler", self.folder));
    }

    fn remount(&self, how: &str) {
        self.shell(&format!("mount -o remount,{how} {}", self.folder));
    }

    fn copy(&self, to: &str, run: &str) -> Called {
        let to = format!("output_table={to}");
        self.call(&[
            "run",
            "table/query",
            "--config",
            "local",
            "-p",
            "database_name=sales",
            "-p",
            "query_string=select * from orders",
            "-p",
            &to,
            "--name",
            run,
            "-q",
        ])
    }

    fn phase(&self, run: &str) -> String {
        let got = self.call(&["get", "run", run, "-o", "json"]);
        let run: Value = serde_json::from_str(&got.out).unwrap();
        run["status"]["phase"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns how many generations a table has: each is one commit, whatever Mason says.
    fn commits(&self, table: &str) -> usize {
        let listed = self.shell(&format!("ls data/sales/{table}/_mason 2>/dev/null || true"));
        listed.lines().filter(|name| name.strip_suffix(".json").is_some()).count()
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

const ORDERS: &str = "printf 'id,amount\\n1,10.50\\n2,7.25\\n' > data/sales/orders.csv";

/// Mounts the root of a client, with a table in it.
fn root(mason: &Mason, kib: u32) -> Option<Mounted<'_>> {
    let mounted = Mounted::new(mason, "data", kib)?;
    mounted.shell(&format!("mkdir data/sales && {ORDERS}"));
    let called = mounted.call(&["init", "--root", "data"]);
    assert_eq!(called.code, 0, "{called:?}");
    Some(mounted)
}

#[test]
fn a_root_that_is_full_at_any_point_is_named_and_nothing_is_lost_or_half_written() {
    let mason = Mason::new();
    let Some(disk) = root(&mason, 4096) else { return };
    let mut refused = 0;
    for free_kib in (0..240).step_by(8) {
        let (table, run) = (format!("copy{free_kib}"), format!("r{free_kib}"));
        disk.fill(free_kib);
        let called = disk.copy(&table, &run);
        assert_eq!(called.code == 0, disk.commits(&table) == 1, "{free_kib}: {called:?}");
        if called.code != 0 {
            refused += 1;
            assert!(called.err.contains("No space left"), "{free_kib}: {}", called.err);
            assert!(called.err.contains("`.mason/") || called.err.contains("sales"), "{called:?}");
            assert!(
                called.err.contains("hint: make room") || called.err.contains("hint: free space"),
                "{free_kib}: {}",
                called.err
            );
            // But the record of the run, by which a later attempt sees whether one before it committed.
            let left = format!("find data/sales/{table} -type f ! -path '*/_mason/runs/*'");
            let left = disk.shell(&format!("{left} 2>/dev/null || true"));
            assert_eq!(left, "", "{free_kib}: nothing should be at the target");
            assert_eq!(
                disk.phase(&run),
                "Failed",
                "{free_kib}: it is known that nothing took place"
            );
        }
        disk.free();
        let resumed = disk.call(&["resume", &run, "-q"]);
        let phase = disk.phase(&run);
        assert_eq!(resumed.code == 0, phase == "Succeeded", "{free_kib}: {resumed:?}");
        if phase != "Succeeded" {
            assert_eq!((phase.as_str(), disk.commits(&table)), ("Failed", 0), "{free_kib}");
            let again = disk.copy(&table, &format!("{run}-again"));
            assert_eq!(again.code, 0, "{free_kib}: {again:?}");
        }
        assert_eq!(disk.commits(&table), 1, "{free_kib}");
        if called.code == 0 {
            assert!(refused > 5, "it should have been too little before");
            return;
        }
    }
    panic!("240 KiB should be enough");
}

/// A change without a job.
const CHANGE: [&str; 6] =
    ["run", "database/create", "--config", "local", "-p", "database_name=new"];

#[test]
fn a_change_on_a_root_that_is_full_at_any_point_is_made_or_fails() {
    let mason = Mason::new();
    let Some(disk) = root(&mason, 4096) else { return };
    for free_kib in (0..64).step_by(4) {
        let run = format!("r{free_kib}");
        disk.fill(free_kib);
        let called = disk.call(&[&CHANGE[..], &["--name", &run, "-q"]].concat());
        let is_made = disk.shell("ls data").contains("new");
        let phase = if is_made { "Succeeded" } else { "Failed" };
        assert_eq!((called.code == 0, disk.phase(&run).as_str()), (is_made, phase), "{called:?}");
        disk.free();
        if is_made {
            assert!(free_kib > 0, "it should have been too little before");
            return;
        }
        assert!(called.err.contains("No space left"), "{free_kib}: {}", called.err);
    }
    panic!("64 KiB should be enough");
}

/// Calls the binary as an ordinary user would be treated, to whom the bits of files and folders apply; nothing, and
/// said so, where that cannot be.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn as_an_ordinary_user(mason: &Mason, args: &[&str]) -> Option<Called> {
    if !rustix::process::geteuid().is_root() {
        return Some(mason.call(args));
    }
    let like = mason.command::<&str>([]);
    let call = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        let rights = "--bounding-set=-dac_override,-dac_read_search";
        command.args([rights, env!("CARGO_BIN_EXE_mason")]).args(args);
        command.current_dir(mason.path("")).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    if call(&["--version"]).output().is_ok_and(|tried| tried.status.success()) {
        return Some(mason.finish(&mut call(args), ""));
    }
    eprintln!("skipped: this system cannot take rights away from the administrator");
    None
}

#[test]
fn a_root_without_rights_is_named_and_a_query_fails_for_that() {
    let mason = Mason::with_data();
    set_mode(&mason.path("data"), 0o555);
    let select = ["-p", "database_name=sales", "-p", "query_string=select * from orders"];
    let query = [&["run", "table/query", "--config", "local", "--name", "q", "-q"], &select[..]];
    let queried = as_an_ordinary_user(&mason, &query.concat());
    let doctor = as_an_ordinary_user(&mason, &["doctor"]);
    set_mode(&mason.path("data"), 0o755);
    let (Some(queried), Some(doctor)) = (queried, doctor) else { return };
    assert_eq!(queried.code, 1, "{queried:?}");
    for part in ["Permission denied", "`.mason", "hint: "] {
        assert!(queried.err.contains(part), "{part} is not in {}", queried.err);
    }
    let run = mason.call(["get", "run", "q", "-o", "json"]);
    let run: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(run["status"]["phase"], "Failed", "{run:#}");
    let warned = "can be read, but not written: Permission denied";
    assert!(doctor.out.contains(warned), "{doctor:?}");
    assert!(doctor.out.contains("a query keeps its job below"), "{doctor:?}");
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_root_that_is_read_only_is_named_and_runs_fail_without_their_effect() {
    let mason = Mason::new();
    let Some(disk) = root(&mason, 4096) else { return };
    disk.remount("ro");
    let copied = disk.copy("copy", "copying");
    let changed = disk.call(&[&CHANGE[..], &["--name", "changing", "-q"]].concat());
    let select = ["-p", "database_name=sales", "-p", "query_string=select * from orders"];
    let query = [&["run", "table/query", "--config", "local", "--name", "reading"], &select[..]];
    let read = disk.call(&query.concat());
    for called in [&copied, &changed, &read] {
        assert_eq!(called.code, 1, "{called:?}");
        for part in ["Read-only file system", "`.mason/", "hint: the root folder is on a read-only"]
        {
            assert!(called.err.contains(part), "{part} is not in {}", called.err);
        }
    }
    for run in ["copying", "changing", "reading"] {
        assert_eq!(disk.phase(run), "Failed", "it is known that nothing took place");
    }
    disk.remount("rw");
    for run in ["copying", "changing"] {
        assert_eq!(disk.call(&["resume", run, "-q"]).code, 1);
        assert_eq!(disk.phase(run), "Failed");
    }
    assert_eq!((disk.shell("ls data").as_str(), disk.commits("copy")), ("sales\n", 0));
    assert_eq!(disk.copy("copy", "again").code, 0);
    let changed = disk.call(&[&CHANGE[..], &["--name", "changing-again", "-q"]].concat());
    assert_eq!((changed.code, disk.shell("ls data").as_str()), (0, "new\nsales\n"), "{changed:?}");
}

#[test]
fn a_store_that_is_full_at_any_point_is_named_and_the_work_is_found_again() {
    let mason = Mason::with_data();
    let Some(disk) = Mounted::new(&mason, "store", 1024) else { return };
    assert_eq!(disk.call(&["init", "--root", "data"]).code, 0);
    for (refused, free_kib) in (0..64).step_by(4).enumerate() {
        let (table, run) = (format!("copy{free_kib}"), format!("r{free_kib}"));
        disk.fill(free_kib);
        let called = disk.copy(&table, &run);
        disk.free();
        if called.code == 0 {
            assert!(refused > 1, "it should have been too little before");
            return;
        }
        for part in ["No space left", "store/", "hint: make room on the disk of the store"] {
            assert!(called.err.contains(part), "{free_kib}: {part} is not in {}", called.err);
        }
        // The same call is the same run: what was begun is found, what was not is done.
        let again = disk.copy(&table, &run);
        assert_eq!((again.code, disk.commits(&table)), (0, 1), "{free_kib}: {again:?}");
        assert_eq!(disk.phase(&run), "Succeeded");
    }
    panic!("64 KiB should be enough");
}

#[test]
fn a_store_that_is_read_only_is_named_and_nothing_is_run() {
    let mason = Mason::with_data();
    let Some(disk) = Mounted::new(&mason, "store", 1024) else { return };
    assert_eq!(disk.call(&["init", "--root", "data"]).code, 0);
    disk.remount("ro");
    let called = disk.copy("copy", "copying");
    assert_eq!((called.code, disk.commits("copy")), (1, 0), "{called:?}");
    for part in ["Read-only file system", "store/", "hint: make the folder of the store writable"] {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
    disk.remount("rw");
    assert_eq!(disk.copy("copy", "copying").code, 0);
}

/// What is larger than 64 MiB of memory when it is sorted.
const SORT: &str = "query_string=select value, value * 7 % 1000003 as k, repeat('x', 40) as t \
                    from generate_series(1, 1000000) order by k desc";

fn sort(run: &str) -> Vec<&str> {
    let call = ["run", "table/query", "--config", "lake", "-p", "database_name=sales", "-p", SORT];
    let to = ["-p", "output_table=sorted", "--name", run, "-q"];
    [&call[..], &to].concat()
}

#[test]
fn a_job_that_spills_more_than_its_limit_says_so() {
    let mason = Mason::with_data();
    let small = "root: data, memoryLimit: 64Mi, diskLimit: 8Mi";
    mason.write("config.yaml", &crate::CONFIG.replace("root: data", small));
    assert_eq!(mason.call(["apply", "-f", "config.yaml"]).code, 0);
    let called = mason.call(sort("much"));
    assert_eq!(called.code, 1, "{called:?}");
    for part in
        ["OutOfDisk", "than its limit of 8 MiB", "hint: free space below the root, or raise"]
    {
        assert!(called.err.contains(part), "{part} is not in {}", called.err);
    }
    assert!(!called.err.contains("datafusion"), "{}", called.err);
}

#[test]
fn a_job_that_spills_onto_a_full_disk_says_so_and_leaves_nothing() {
    let mason = Mason::new();
    let Some(disk) = Mounted::new(&mason, "data", 16 * 1024) else { return };
    disk.shell("mkdir data/sales");
    let small = crate::CONFIG.replace("root: data", "root: data, memoryLimit: 64Mi");
    mason.write("config.yaml", &small);
    assert_eq!(disk.call(&["apply", "-f", "config.yaml"]).code, 0);
    let sort = |run: &str| disk.call(&sort(run));
    let called = sort("full");
    assert_eq!((called.code, disk.phase("full").as_str()), (1, "Failed"), "{called:?}");
    assert!(called.err.contains("OutOfDisk"), "{}", called.err);
    assert!(called.err.contains("hint: free space below the root"), "{}", called.err);
    let left = disk.shell("find data -size +128k");
    assert_eq!(left, "", "neither what was spilled nor what was written should stay");
    // With room for what it spills, and memory for the merge of it.
    disk.remount("size=1g");
    mason.write("config.yaml", crate::CONFIG);
    assert_eq!(disk.call(&["apply", "-f", "config.yaml"]).code, 0);
    let again = sort("again");
    assert_eq!((again.code, disk.commits("sorted")), (0, 1), "{again:?}");
}
