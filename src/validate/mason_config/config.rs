//! The checks of a config.

use crate::api::endpoint::{is_endpoint, is_number};
use crate::api::quantity::parse_bytes;
use crate::api::s3_address::S3Address;
use crate::api::v1alpha1::{
    AthenaClient, ClientConfig, GlueClient, InlineResults, LocalClient, MasonConfig, S3Client,
};
use crate::engines::capability::{ClientDescription, ClientType};
use crate::engines::{ByRole, Role};
use crate::validate::one_lake::check_first;
use crate::validate::problem::{Problem, Problems, did_you_mean};
use crate::validate::rules::Rules;

/// The least memory that a local job can work with.
const LEAST_MEMORY_BYTES: u64 = 64 << 20;

/// Checks a config by itself; no client is asked.
///
/// # Errors
/// Every problem: clients that stand twice or have no type, engines that name clients which are not
/// there or cannot fill the role, roots and amounts that cannot be meant, and what the administrator
/// does not allow.
pub fn validate_config(
    config: &MasonConfig,
    clients: &[ClientType],
    rules: &Rules,
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for (index, client) in config.spec.clients.iter().enumerate() {
        let path = format!("spec.clients[{index}]");
        let first = config.spec.clients.iter().position(|other| other.name == client.name);
        if let Some(first) = first.filter(|first| *first < index) {
            let message = format!("`{}` stands twice; first in spec.clients[{first}]", client.name);
            problems.push(Problem::new(format!("{path}.name"), message));
        }
        check_client(client, &path, clients, &mut problems);
        if let Some(local) = &client.local {
            rules.check_local(local, &format!("{path}.local"), &mut problems);
        }
    }
    rules.check_config(config, &mut problems);
    for (role, names) in ByRole::from(&config.spec.engines).iter() {
        check_role(config, (role, names), clients, &mut problems);
    }
    check_first(config, &mut problems);
    check_secrets(config, &mut problems);
    check_results(config, clients, &mut problems);
    problems.none_or(())
}

/// Adds what keeps a job from the credentials of its catalogue: it is given one Secret, that of its files.
fn check_secrets(config: &MasonConfig, problems: &mut Problems) {
    let spec = &config.spec;
    let client = |name: &String| spec.clients.iter().find(|client| client.name == *name);
    let Some(keeper) = spec.engines.storage.first().and_then(client) else { return };
    for (index, catalogue) in spec.clients.iter().enumerate() {
        if catalogue.glue.is_none() || catalogue.secret() == keeper.secret() {
            continue;
        }
        let path = format!("spec.clients[{index}].glue.credentials");
        let message = format!("is not the Secret of `{}`, which keeps the files", keeper.name);
        let hint = "a job is given one Secret, so that both name the same one, or none";
        problems.push(Problem::new(path, message).hint(hint));
    }
}

fn check_results(config: &MasonConfig, clients: &[ClientType], problems: &mut Problems) {
    let path = "spec.results.location";
    let Some(location) = &config.spec.results.location else {
        if config.spec.results.inline == InlineResults::Never {
            let problem = Problem::new(path, "is required where no result may stand in a status");
            problems.push(problem.hint("for example `here:_results/` for a storage client `here`"));
        }
        return;
    };
    let (name, folder) = location.split_once(':').unwrap_or((location, ""));
    if folder.split('/').any(|part| part == "..") {
        problems.push(Problem::new(path, format!("`{folder}` leads out of the client's storage")));
    }
    let known = config.spec.clients.iter().map(|client| client.name.as_str());
    let Some(client) = config.spec.clients.iter().find(|client| client.name == name) else {
        let problem = Problem::new(path, format!("there is no client `{name}`"));
        problems.push(problem.hint_if(did_you_mean(name, known)));
        return;
    };
    let described = description_of(client, clients);
    if described.is_some_and(|described| !described.roles.contains(&Role::Storage)) {
        problems.push(Problem::new(path, format!("`{name}` keeps no files")));
    }
}

/// Returns what a client can do; nothing when this program does not have its type.
fn description_of(client: &ClientConfig, types: &[ClientType]) -> Option<ClientDescription> {
    Some(ClientType::find(types, client.kind()?)?.describe(client))
}

fn check_client(
    client: &ClientConfig,
    path: &str,
    clients: &[ClientType],
    problems: &mut Problems,
) {
    let Some(kind) = client.kind() else {
        problems.push(Problem::new(
            path,
            "exactly one client type is needed: local, s3, glue or athena",
        ));
        return;
    };
    if ClientType::find(clients, kind).is_none() {
        let message = format!("this program was built without the client {}", kind.as_str());
        problems.push(Problem::new(path, message));
    }
    if let Some(local) = &client.local {
        check_local(local, &format!("{path}.local"), problems);
    }
    if let Some(s3) = &client.s3 {
        check_s3(s3, &format!("{path}.s3"), problems);
    }
    if let Some(glue) = &client.glue {
        check_glue(glue, &format!("{path}.glue"), problems);
    }
    if let Some(athena) = &client.athena {
        check_athena(athena, &format!("{path}.athena"), problems);
    }
}

fn check_athena(athena: &AthenaClient, path: &str, problems: &mut Problems) {
    check_region(Some(&athena.region), path, problems);
    check_endpoint(athena.endpoint.as_ref(), path, problems);
    let place = athena.output_location.as_deref().map(S3Address::parse);
    if let Some(Err(wrong)) = place {
        let message = format!("is no address of S3: {wrong}");
        let problem = Problem::new(format!("{path}.outputLocation"), message);
        problems.push(problem.hint("for example `s3://bucket/answers/`"));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let group = &athena.workgroup;
    if !(1..=128).contains(&group.len()) || !group.chars().all(is_plain) {
        let message = format!("`{group}` is no name of a workgroup");
        problems.push(Problem::new(format!("{path}.workgroup"), message));
    }
}

fn check_glue(glue: &GlueClient, path: &str, problems: &mut Problems) {
    check_region(Some(&glue.region), path, problems);
    let is_account = |id: &String| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(id) = glue.catalog_id.as_ref().filter(|id| !is_account(id)) {
        let problem = Problem::new(format!("{path}.catalogId"), format!("`{id}` is no account"));
        problems.push(problem.hint("12 digits, for example `123456789012`"));
    }
    check_endpoint(glue.endpoint.as_ref(), path, problems);
}

fn check_region(region: Option<&String>, path: &str, problems: &mut Problems) {
    let is_word = |region: &String| {
        !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if let Some(region) = region.filter(|region| !is_word(region)) {
        let problem = Problem::new(format!("{path}.region"), format!("`{region}` is no region"));
        problems.push(problem.hint("for example `eu-central-1`"));
    }
}

fn check_endpoint(endpoint: Option<&String>, path: &str, problems: &mut Problems) {
    if let Some(endpoint) = endpoint.filter(|endpoint| !is_endpoint(endpoint)) {
        let message = format!("`{endpoint}` is no address of a server");
        let problem = Problem::new(format!("{path}.endpoint"), message);
        problems.push(problem.hint("a scheme, a host and perhaps a port: `https://host:9000`"));
    }
}

fn check_s3(s3: &S3Client, path: &str, problems: &mut Problems) {
    if let Err(wrong) = S3Address::parse(&s3.root) {
        let message = format!("`{}` is no address of S3: {wrong}", s3.root);
        let problem = Problem::new(format!("{path}.root"), message);
        problems.push(problem.hint("for example `s3://bucket/prefix/`"));
    }
    check_region(s3.region.as_ref(), path, problems);
    check_endpoint(s3.endpoint.as_ref(), path, problems);
    let endpoint = s3.endpoint.as_deref().filter(|endpoint| is_endpoint(endpoint));
    if s3.path_style == Some(false) && endpoint.is_some_and(is_number) {
        let message = "the bucket cannot stand in a host that is a number";
        let problem = Problem::new(format!("{path}.pathStyle"), message);
        problems
            .push(problem.hint("leave it out: with an `endpoint` the bucket stands in the path"));
    }
}

fn check_local(local: &LocalClient, path: &str, problems: &mut Problems) {
    let root = format!("{path}.root");
    if local.root.trim().is_empty() {
        problems
            .push(Problem::new(root, "must not be empty").hint("`.` is the folder of the config"));
    } else if local.root.chars().any(char::is_control) {
        problems.push(Problem::new(root, "must not have control characters"));
    } else if local.root.contains("://") {
        let problem = Problem::new(root, format!("`{}` is an address, not a folder", local.root));
        problems.push(
            problem.hint(
                "a local client works on a folder of this machine; a client `s3` on a bucket",
            ),
        );
    } else if local.root.starts_with('~') {
        let problem = Problem::new(root, "`~` is not replaced by anything");
        problems.push(problem.hint("write the whole path"));
    }
    let amounts = [
        ("memoryLimit", &local.memory_limit, LEAST_MEMORY_BYTES, "64Mi"),
        ("diskLimit", &local.disk_limit, 1, "1 byte"),
    ];
    for (field, text, least, shown) in amounts {
        let field = format!("{path}.{field}");
        match parse_bytes(text) {
            Err(error) => problems.push(Problem::new(field, error.to_string())),
            Ok(bytes) if bytes < least => {
                problems.push(Problem::new(field, format!("`{text}` is less than {shown}")));
            }
            Ok(_) => {}
        }
    }
}

fn check_role(
    config: &MasonConfig,
    (role, names): (Role, &[String]),
    clients: &[ClientType],
    problems: &mut Problems,
) {
    for (index, name) in names.iter().enumerate() {
        let path = format!("spec.engines.{}[{index}]", role.as_str());
        if names[..index].contains(name) {
            problems.push(Problem::new(&path, format!("`{name}` stands twice")));
        }
        let known = config.spec.clients.iter().map(|client| client.name.as_str());
        let Some(client) = config.spec.clients.iter().find(|client| client.name == *name) else {
            let problem = Problem::new(path, format!("there is no client `{name}`"));
            problems.push(problem.hint_if(did_you_mean(name, known)));
            continue;
        };
        let described = description_of(client, clients);
        if let Some(described) = described.filter(|described| !described.roles.contains(&role)) {
            let message = format!(
                "`{name}` ({}) cannot fill the role {}",
                described.kind.as_str(),
                role.as_str()
            );
            problems.push(Problem::new(path, message));
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
