//! Keeps runs coming, kills whoever works on them, and says what became of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};

use crate::audit::{Audit, ENDS};
use crate::controllers::{Armed, Controller, Site, kill_worker, workers};
use crate::draw::Draw;
use crate::files::{self, Ended};
use crate::kubelet::Kubelet;
use crate::orders::{self, Order, Sort};
use crate::plane::Plane;
use crate::points::{Points, sort_for};

/// Where the runs are.
const NAMESPACE: &str = "chaos";
/// The file that every pod writes a line to when it begins.
const LEDGER: &str = "pods.ledger";
/// How many runs are under way at least.
const UNDER_WAY: usize = 5;
/// How long a controller may take to come to its point before it is killed anyway.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longer than a lease lasts (15 s).
const BEYOND_A_LEASE: Duration = Duration::from_secs(17);
/// How long runs may take to end once nobody is killed any more.
const SETTLING: Duration = Duration::from_mins(2);
/// How often the runs are looked at.
const LOOK: Duration = Duration::from_millis(400);
/// How long a request may take: the API server is killed, too.
const REQUEST: Duration = Duration::from_secs(5);

/// A run that has not ended yet.
struct UnderWay {
    order: Order,
    /// When it is cancelled, if it is to be.
    cancel_at: Option<Instant>,
}

/// Everything that goes on.
pub(crate) struct Rounds {
    draw: Draw,
    plane: Plane,
    kubelet: Kubelet,
    runs: Api<DynamicObject>,
    site: Site,
    slots: [Option<Controller>; 2],
    points: Points,
    killed: Killed,
    under_way: BTreeMap<String, UnderWay>,
    ended: Vec<Ended>,
    ordered: usize,
    /// Every point that a process was ever told to end at.
    armed: Vec<Armed>,
    looked_at: Instant,
    folder: tempfile::TempDir,
}

/// How many were killed or stopped.
#[derive(Debug, Clone, Default)]
struct Killed {
    at_points: usize,
    controllers: usize,
    workers: usize,
    stops: usize,
    restarts: [usize; 2],
}

impl Killed {
    fn all(&self) -> usize {
        self.at_points + self.controllers + self.workers
    }
}

/// What a look at everything found.
pub(crate) struct Counts {
    pub(crate) points: Vec<(&'static str, usize)>,
    killed: Killed,
    ends: BTreeMap<String, usize>,
    runs: usize,
    repeated: usize,
    audit: Audit,
}

impl Rounds {
    /// Starts a control plane, with data and a config, and nobody who works on it.
    pub(crate) async fn begin(draw: Draw) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let plane = Plane::start(&path);
        let client = plane.connect().await;
        let site = Site {
            allowed: path.join("data"),
            kubeconfig: plane.kubeconfig(),
            folder: path,
            namespace: NAMESPACE,
        };
        prepare(&client, &site).await;
        let kubelet = Kubelet::begin(&client, NAMESPACE, site.folder.join(LEDGER)).await;
        Self {
            draw,
            runs: Api::namespaced_with(client, NAMESPACE, &resource("OperatorRun", "operatorruns")),
            plane,
            kubelet,
            site,
            slots: [None, None],
            points: Points::default(),
            killed: Killed::default(),
            under_way: BTreeMap::new(),
            ended: Vec::new(),
            ordered: 0,
            armed: Vec::new(),
            looked_at: Instant::now(),
            folder,
        }
    }

    /// Kills so often, and then up to as often again until each point was hit so often.
    pub(crate) async fn kill(&mut self, kills: usize, hits: usize) {
        // The first programs of the control plane are killed half-way.
        let every = (kills / 2).clamp(20, 100);
        let (mut next_restart, mut next_stop) = (every, 5);
        let is_rare = |points: &Points| points.all().iter().any(|(_, found)| *found < hits);
        while self.killed.all() < kills || (self.killed.all() < 2 * kills && is_rare(&self.points))
        {
            for slot in 0..self.slots.len() {
                self.tend(slot).await;
            }
            if self.killed.all() >= next_restart {
                next_restart += every;
                self.restart();
            }
            if self.killed.all() >= next_stop {
                next_stop += every;
                self.stop_one();
            }
            if self.draw.below(400) == 0 {
                self.kill_a_worker();
            }
            self.keep_coming().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets two controllers that nobody kills end what is left.
    pub(crate) async fn settle(&mut self) {
        for slot in &mut self.slots {
            *slot = Some(Controller::start(&self.site, None));
        }
        let began = Instant::now();
        while !self.under_way.is_empty() && began.elapsed() < SETTLING {
            self.cancel_due().await;
            self.kubelet.look().await;
            self.look().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.slots = [None, None];
        // A worker may have come to its point when the one that started it was gone already.
        self.points = Points::default();
        for armed in self.armed.iter().filter(|armed| armed.is_hit()) {
            self.points.hit(armed.point);
        }
        self.killed.at_points = self.points.all().iter().map(|(_, hits)| hits).sum();
    }

    /// Looks after one controller: counts one that has ended, kills one that has lived long enough, and
    /// starts another.
    async fn tend(&mut self, slot: usize) {
        let Some(controller) = &mut self.slots[slot] else { return self.start(slot, None).await };
        if let Some(until) = controller.stopped {
            if Instant::now() >= until {
                controller.go_on();
            }
            return;
        }
        // The mark is made before the end.
        let (has_ended, age) = (controller.has_ended(), controller.born.elapsed());
        let hit = controller.armed.clone().filter(Armed::is_hit);
        if let Some(armed) = hit {
            controller.armed = None;
            self.points.hit(armed.point);
            self.killed.at_points += 1;
            let is_worker = armed.point.starts_with("worker.");
            if !is_worker {
                return self.start(slot, Some(armed.point)).await;
            }
            // It may go on for a moment without its worker.
            controller.life = Some(age + Duration::from_millis(300));
        } else if has_ended {
            panic!("a controller ended by itself: {}", self.site.log());
        } else if controller.life.is_some_and(|life| age >= life) {
            controller.kill();
            self.killed.controllers += 1;
            self.start(slot, None).await;
        }
    }

    /// Starts a controller, mostly one that ends at a point, with a run that leads there.
    async fn start(&mut self, slot: usize, after: Option<&str>) {
        if !self.draw.percent(85) {
            let mut controller = Controller::start(&self.site, None);
            controller.life = Some(Duration::from_millis(200 + self.draw.below(1_500) as u64));
            self.slots[slot] = Some(controller);
            return;
        }
        let point = self.points.next(&mut self.draw, after);
        let mark = self.site.folder.join(format!("mark-{}", self.armed.len()));
        let armed = Armed { point, mark };
        self.armed.push(armed.clone());
        let times = if point.starts_with("worker.") { 1 } else { 1 + self.draw.below(2) };
        let mut controller = Controller::start(&self.site, Some((armed, times)));
        controller.life = Some(PATIENCE);
        self.slots[slot] = Some(controller);
        let endless = self.endless();
        let sort = sort_for(&mut self.draw, point);
        if self.under_way.len() < 4 * UNDER_WAY && !(sort.is_endless() && endless >= 2) {
            self.order(sort).await;
        }
    }

    /// Kills the API server and etcd in turn.
    fn restart(&mut self) {
        let [api_server, etcd] = self.killed.restarts;
        let (program, count) = if api_server <= etcd { ("kube-apiserver", 0) } else { ("etcd", 1) };
        self.killed.restarts[count] += 1;
        self.plane.restart(program);
    }

    /// Lets one controller stand still for longer than a lease lasts, while the other one works.
    fn stop_one(&mut self) {
        if self.slots.iter().flatten().any(|controller| controller.stopped.is_some()) {
            return;
        }
        let slot = self.draw.below(self.slots.len());
        if let Some(controller) = &mut self.slots[slot] {
            controller.stop(BEYOND_A_LEASE);
            controller.life = Some(controller.born.elapsed() + BEYOND_A_LEASE + PATIENCE);
            self.killed.stops += 1;
        }
    }

    fn kill_a_worker(&mut self) {
        let found = workers(&self.site.allowed.join(NAMESPACE));
        if !found.is_empty() && kill_worker(self.draw.one(&found)) {
            self.killed.workers += 1;
        }
    }

    fn endless(&self) -> usize {
        self.under_way.values().filter(|run| run.order.sort.is_endless()).count()
    }

    async fn keep_coming(&mut self) {
        if self.under_way.len() < UNDER_WAY {
            let endless = self.endless();
            let sort = orders::next(&mut self.draw, endless);
            self.order(sort).await;
        }
        self.cancel_due().await;
        if self.looked_at.elapsed() > LOOK {
            self.kubelet.look().await;
            self.look().await;
            self.looked_at = Instant::now();
        }
    }

    /// Creates a run; until the API server says that it has it.
    async fn order(&mut self, sort: Sort) {
        let order = Order::new(self.ordered, sort);
        self.ordered += 1;
        let object = serde_json::from_value(order.document(NAMESPACE)).unwrap();
        let parameters = PostParams::default();
        loop {
            let created = self.runs.create(&parameters, &object);
            match tokio::time::timeout(REQUEST, created).await {
                Ok(Ok(_)) => break,
                Ok(Err(kube::Error::Api(status))) if status.code == 409 => break,
                Ok(Err(kube::Error::Api(status))) if status.code == 422 => panic!("{status:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        let wait = Duration::from_millis(self.draw.below(2_500) as u64);
        let cancel_at = sort.is_cancelled().then(|| Instant::now() + wait);
        self.under_way.insert(order.name.clone(), UnderWay { order, cancel_at });
    }

    async fn cancel_due(&mut self) {
        let due = self.under_way.values_mut();
        for run in due.filter(|run| run.cancel_at.is_some_and(|at| Instant::now() >= at)) {
            let cancel = Patch::Merge(json!({"spec": {"cancel": true}}));
            let parameters = PatchParams::default();
            let asked = self.runs.patch(&run.order.name, &parameters, &cancel);
            if let Ok(Ok(_)) = tokio::time::timeout(REQUEST, asked).await {
                run.cancel_at = None;
            }
        }
    }

    /// Notes the runs that have ended, and deletes them.
    async fn look(&mut self) {
        let (listing, deleting) = (ListParams::default(), DeleteParams::default());
        let listed = self.runs.list(&listing);
        let Ok(Ok(listed)) = tokio::time::timeout(REQUEST, listed).await else { return };
        for object in listed {
            let name = object.metadata.name.clone().unwrap_or_default();
            let status = &object.data["status"];
            let phase = status["phase"].as_str().unwrap_or_default().to_owned();
            if !ENDS.contains(&phase.as_str()) {
                continue;
            }
            if let Some(run) = self.under_way.remove(&name) {
                self.ended.push(Ended {
                    order: run.order,
                    uid: object.metadata.uid.clone().unwrap_or_default(),
                    phase,
                    reason: status["columns"]["reason"].as_str().unwrap_or_default().to_owned(),
                    attempts: status["attempts"].as_array().map_or(0, Vec::len),
                    message: status["columns"]["message"].as_str().unwrap_or_default().to_owned(),
                });
            }
            // What is not deleted now is with the next look.
            let deleted = self.runs.delete(&name, &deleting);
            drop(tokio::time::timeout(REQUEST, deleted).await);
        }
    }

    /// Leaves everything behind for a person to look at; returns where.
    pub(crate) fn keep(mut self) -> std::path::PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// Returns what happened.
    pub(crate) fn counts(&self) -> Counts {
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for run in &self.ended {
            *ends.entry(run.reason.clone()).or_default() += 1;
        }
        Counts {
            points: self.points.all(),
            killed: self.killed.clone(),
            ends,
            runs: self.ended.len(),
            repeated: self.ended.iter().filter(|run| run.attempts > 1).count(),
            audit: Audit::read(&self.plane.state.join("audit.log")),
        }
    }

    /// Returns everything that is not as it should be.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut findings: Vec<String> =
            self.under_way.keys().map(|name| format!("{name} is stuck or lost")).collect();
        let wrong =
            self.ended.iter().filter(|run| !run.order.sort.may_end((&run.phase, &run.reason)));
        findings.extend(wrong.map(|run| format!("{}: another end: {run:?}", run.order.name)));
        findings.extend(files::findings(
            &self.site.allowed.join(NAMESPACE),
            &self.site.folder.join(LEDGER),
            &self.ended,
        ));
        let uids: Vec<String> = self.ended.iter().map(|run| run.uid.clone()).collect();
        let audit = Audit::read(&self.plane.state.join("audit.log"));
        findings.extend(audit.findings(&uids, self.killed.restarts.iter().sum()));
        if self.killed.all() == 0 || self.ended.is_empty() {
            findings.push("nothing was killed, or nothing ran".to_owned());
        }
        findings
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (point, hits) in &self.points {
            writeln!(formatter, "  {point:<22} {hits:>5}")?;
        }
        let Killed { at_points, controllers, workers, stops, restarts } = &self.killed;
        writeln!(
            formatter,
            "chaos: killed {} times: {at_points} at points, {controllers} controllers and {workers} \
             workers at random; {stops} controllers stopped beyond a lease; API server killed {} \
             times, etcd {}",
            self.killed.all(),
            restarts[0],
            restarts[1]
        )?;
        let (created, late, released) = self.audit.pods();
        write!(
            formatter,
            "chaos: {} runs ended, {} after several attempts; {:?}; {} status writes, {} refused as late; \
             {} pods created, {} of them late, {} released",
            self.runs,
            self.repeated,
            self.ends,
            self.audit.status_writes,
            self.audit.conflicts,
            created,
            late,
            released,
        )
    }
}

/// Makes the CRDs, the namespace, the data and the config.
async fn prepare(client: &Client, site: &Site) {
    let crds = ApiResource::erase::<
        k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    >(&());
    let crds: Api<DynamicObject> = Api::all_with(client.clone(), &crds);
    for crd in mason::api::crds::crds() {
        create(&crds, serde_json::to_value(&crd).unwrap()).await;
    }
    let namespaces = ApiResource::erase::<k8s_openapi::api::core::v1::Namespace>(&());
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    create(&Api::all_with(client.clone(), &namespaces), namespace).await;
    let pods =
        "{image: mason:test, allowedPlacements: [Pod, Controller], defaultPlacement: Controller}\n";
    std::fs::write(site.folder.join("pods.yaml"), pods).unwrap();
    let definitions = resource("OperatorDefinition", "operatordefinitions");
    let definitions = Api::namespaced_with(client.clone(), NAMESPACE, &definitions);
    for definition in orders::definitions(NAMESPACE) {
        create(&definitions, definition).await;
    }
    let configs = resource("MasonConfig", "masonconfigs");
    let configs = Api::namespaced_with(client.clone(), NAMESPACE, &configs);
    create(&configs, orders::config(NAMESPACE, &site.allowed.join(NAMESPACE))).await;
}

/// Creates an object, as soon as the API server knows its kind.
async fn create(api: &Api<DynamicObject>, document: Value) {
    let object = serde_json::from_value(document).unwrap();
    let mut last = String::new();
    for _ in 0..200 {
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 409 => return,
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{last}: {object:?}");
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: "mason.dev".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "mason.dev/v1alpha1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}
