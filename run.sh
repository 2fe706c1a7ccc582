cd /tmp/perf; ansible-playbook -i inventory.yml -e @defaults.yml playbooks-of-the-site/post_deploy.yml "$@"
