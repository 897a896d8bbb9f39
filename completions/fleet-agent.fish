# Completes fleet-agent's command line in fish.

complete -c fleet-agent -f
complete -c fleet-agent -n __fish_use_subcommand -l version -d 'Show the version'
complete -c fleet-agent -n __fish_use_subcommand -l help -d 'Show help'
complete -c fleet-agent -n __fish_use_subcommand -a run -d 'Keep the tunnel up until SIGTERM'
complete -c fleet-agent -n __fish_use_subcommand -a status -d 'How the running agent is'
complete -c fleet-agent -n __fish_use_subcommand -a keygen -d "Make the device's key, print its public half"
complete -c fleet-agent -n __fish_use_subcommand -a host-keys -d 'Print the host keys of the sshd on a port'
complete -c fleet-agent -n '__fish_seen_subcommand_from run status' -l config -r -F -d 'Its configuration'
complete -c fleet-agent -n '__fish_seen_subcommand_from status' -l json -d 'Print one JSON object'
complete -c fleet-agent -n '__fish_seen_subcommand_from keygen' -l out -r -F -d 'Where the key goes'
complete -c fleet-agent -n '__fish_seen_subcommand_from host-keys' -l port -x -d 'Where the sshd listens'
