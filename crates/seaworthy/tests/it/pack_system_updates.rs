//! Pack `system-updates` on a real state of apt and dpkg below the site: current, then behind, installed, owed a reboot.

use crate::{
    kit::Site,
    pack_kit::{at_once, has, ops, refused, site_with, step_failed, verified},
};

const PACK: &str = "system-updates";

/// Two versions of a package, an archive of security updates with the first one, and a root that has installed it. Without
/// apt's caches, which hold a list for current that has the same size and second as the one before.
const ARCHIVE: &str = r#"
set -eu
mkdir -p arch root/var/lib/dpkg/info root/var/lib/dpkg/updates apt/lists/partial apt/cache/archives/partial apt/etc/preferences.d apt/etc/parts
touch root/var/lib/dpkg/status root/var/lib/dpkg/available
for v in 1 2; do
  mkdir -p deb$v/DEBIAN deb$v/opt && echo $v > deb$v/opt/tool
  printf 'Package: tool\nVersion: %s.0\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: a tool\n' $v > deb$v/DEBIAN/control
  dpkg-deb --build --root-owner-group deb$v arch/tool_$v.deb > built.txt
done
publish() {
  ( cd arch
    { cat ../deb$1/DEBIAN/control; printf 'Filename: ./tool_%s.deb\nSize: %s\nSHA256: %s\n\n' "$1" "$(stat -c %s tool_$1.deb)" "$(sha256sum tool_$1.deb | cut -d ' ' -f 1)"; } > Packages
    printf 'Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security\nDate: %s\nSHA256:\n %s %s Packages\n' "$(date -uR)" "$(sha256sum Packages | cut -d ' ' -f 1)" "$(stat -c %s Packages)" > Release )
}
publish 1
dpkg --root="$PWD/root" --force-not-root --install arch/tool_1.deb > built.txt
cat > apt.conf <<END
Dir::State "$PWD/apt";
Dir::State::lists "$PWD/apt/lists";
Dir::State::status "$PWD/root/var/lib/dpkg/status";
Dir::Cache "$PWD/apt/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc "$PWD/apt/etc";
Dir::Etc::sourcelist "$PWD/apt/etc/sources.list";
Dir::Etc::sourceparts "$PWD/apt/etc/parts";
Dir::Etc::parts "$PWD/apt/etc/parts";
Dir::Etc::preferencesparts "$PWD/apt/etc/preferences.d";
APT::Sandbox::User "root";
END
echo "deb [trusted=yes] file:$PWD/arch ./" > apt/etc/sources.list
"#;

fn host(apply: &str) -> Option<Site> {
    if !has(&["apt-get", "dpkg-deb"]) {
        return None;
    }
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: apt-get: a package can be installed by root alone");
        return None;
    }
    let site = Site::bare();
    site.sh(ARCHIVE);
    let path = |name: &str| site.path(name).display().to_string();
    let answers = [
        ("apt_config", path("apt.conf")),
        ("admindir", path("root/var/lib/dpkg")),
        ("reboot", path("reboot-required")),
        ("apply", apply.to_owned()),
    ];
    let answers: Vec<(&str, &str)> = answers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    crate::pack_kit::write(&site, PACK, &answers);
    Some(site)
}

/// The archive gets the second version.
fn publish(site: &Site) {
    let function = ARCHIVE.split_once("publish() {").and_then(|(_, rest)| rest.split_once("\n}")).unwrap().0;
    site.sh(&format!("publish() {{{function}\n}}\npublish 2"));
}

#[test]
fn a_security_update_is_seen_as_pending_and_installed_if_that_is_wanted() {
    let Some(site) = host("dpkg --root=root --force-not-root --install arch/tool_2.deb") else { return };
    verified(&site, PACK);
    publish(&site);
    let run = verified(&site, PACK);
    assert_eq!(run.json["heals"][1]["outcome"], "healed", "{run:?}");
    assert_eq!(site.read("root/opt/tool"), "2\n", "it is installed");
    let first = run.json["verifications"].as_array().unwrap().iter().find(|v| v["outcome"] == "no").unwrap();
    assert_eq!(first["what"], "no security update is pending");
    assert!(first["observed"].as_str().unwrap().contains("1 pending: tool"), "{first}");
}

#[test]
fn what_is_pending_unknown_owed_or_half_installed_is_told() {
    let Some(site) = host("false") else { return };
    publish(&site);
    refused(&site, PACK, "no security update is pending", "1 pending: tool");
    at_once(&site, PACK);
    site.sh("dpkg --root=root --force-not-root --install arch/tool_2.deb > built.txt");
    verified(&site, PACK);
    site.sh("touch reboot-required && echo linux-image > reboot-required.pkgs");
    refused(&site, PACK, "no reboot is owed", "owed to: linux-image");
    site.sh("rm reboot-required");
    // A package whose files came and whose configuration did not.
    site.sh("dpkg --root=root --force-not-root --unpack arch/tool_2.deb > built.txt 2>&1");
    refused(&site, PACK, "every package is whole", "tool");
    site.sh("dpkg --root=root --force-not-root --install arch/tool_2.deb > built.txt 2>&1");
    // Lists that nobody renewed for three days.
    site.edit(
        &ops(PACK),
        "REFRESH: \"apt-get update -q -o APT::Update::Error-Mode=any\"",
        "REFRESH: \"touch -d '-3 days' apt/lists apt/lists/partial\"",
    );
    refused(&site, PACK, "the lists are at most 48 hours old", "72");
    // The source is gone: apt itself would say that nothing is pending.
    site.edit(&ops(PACK), "touch -d '-3 days' apt/lists apt/lists/partial", "true");
    site.sh("touch apt/lists && rm apt/lists/*Packages* apt/lists/*Release*; : > apt/etc/sources.list");
    refused(&site, PACK, "a source of security updates is known", "0");
    // A mirror that does not answer.
    site.edit(&ops(PACK), "REFRESH: \"true\"", "REFRESH: \"apt-get update -q -o APT::Update::Error-Mode=any\"");
    site.sh("echo \"deb [trusted=yes] file:$PWD/nowhere ./\" > apt/etc/sources.list");
    step_failed(&site, PACK, "refresh", "exit 100");
}

#[test]
fn the_pack_reads_this_hosts_own_apt_without_changing_it() {
    if !has(&["apt-get", "dpkg"]) {
        return;
    }
    let site = site_with(PACK, &[("refresh", "true")]);
    let run = site.json(&["run", PACK]);
    // Whatever it says about this host, it can say it.
    assert!(matches!(run.json["verified"].as_str(), Some("yes" | "no")), "{run:?}");
    assert_eq!(run.json["executed"], "ok", "{run:?}");
}
