# Completes fleet's command line in fish, by what the program itself knows of its words; it asks nobody for them.

function __fleet_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':folders'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end

complete -c fleet -f -a '(__fleet_complete)'
