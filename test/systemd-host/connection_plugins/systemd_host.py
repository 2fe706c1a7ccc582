# Lets Ansible enter a host of test/systemd-host/up, as it would by ssh: inventory_hostname or ansible_host is the host's name.
import os
import shlex
import shutil

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: systemd_host
short_description: enter a host that test/systemd-host/up has booted
description: [Runs commands by nsenter, as test/systemd-host/exec does, and copies files through the file system of the host's PID 1.]
author: [Chameleon]
version_added: historical
options:
  remote_addr:
    description: Name of the host.
    default: inventory_hostname
    vars: [{name: inventory_hostname}, {name: ansible_host}]
"""

ENVIRONMENT = ("HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


class Connection(Local):
    transport = "systemd_host"
    default_user = "root"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        # What test/systemd-host/exec does, without its dozen processes for each task.
        root = self._seen_from_here("/")
        entered = ["exec", "nsenter", "--target", root.split("/")[2], "--all", "--wd=" + root, "--"]
        entered += ["/usr/bin/env", "--ignore-environment", *ENVIRONMENT, "/bin/sh", "-c", cmd]
        return super().exec_command(shlex.join(entered), in_data=in_data, sudoable=sudoable)

    def put_file(self, in_path, out_path):
        shutil.copyfile(in_path, self._seen_from_here(out_path))

    def fetch_file(self, in_path, out_path):
        shutil.copyfile(self._seen_from_here(in_path), out_path)

    def _seen_from_here(self, path):
        """The path by way of the host's PID 1, so that what is mounted within the host counts."""
        name = self.get_option("remote_addr")
        try:
            with open(os.path.join(os.environ.get("SYSTEMD_HOSTS", "/run/image-tools-systemd-host"), name, "nspawn.pid")) as file:
                nspawn = file.read().split()[0]
            with open("/proc/%s/task/%s/children" % (nspawn, nspawn)) as file:
                init = file.read().split()[0]
        except (OSError, IndexError) as error:
            raise AnsibleConnectionFailure("%s is not up (%s): test/systemd-host/up %s" % (name, error, name)) from error
        return "/proc/%s/root%s" % (init, os.path.normpath("/" + path))
