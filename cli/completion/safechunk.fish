# fish completion for safechunk
set -l commands put get set unset merge patch update edit watch append tail logs rotate compact list remove health verify repair quarantine checkpoint checkpoints export restore unlock projects delete-project adopt

function __safechunk_base
    set -l tokens (commandline -opc)
    for i in (seq (count $tokens))
        if contains -- $tokens[$i] -C --base-dir; and test (count $tokens) -gt $i
            echo $tokens[(math $i + 1)]
            return
        end
    end
    echo .
end

function __safechunk_projects
    for folder in (__safechunk_base)/*/chunks
        basename (dirname $folder)
    end
end

function __safechunk_chunks
    set -l project (commandline -opc)[-1]
    safechunk -C (__safechunk_base) list $project 2>/dev/null
end

function __safechunk_logs
    set -l project (commandline -opc)[-1]
    safechunk -C (__safechunk_base) logs $project 2>/dev/null | string replace -r '  \d+ bytes?$' ''
end

complete -c safechunk -f
complete -c safechunk -s C -l base-dir -r -a '(__fish_complete_directories)' -d 'folder that holds the project'
complete -c safechunk -l mode -r -a '600 640 660' -d 'what files that are made allow at most'
complete -c safechunk -l weak-locks -d 'do without locks where there are none'
complete -c safechunk -l weak-folders -d 'do without syncing folders where there is no such thing'
complete -c safechunk -l wait -r -d 'seconds to wait for another owner'
complete -c safechunk -l json -d 'print results and errors as JSON'
complete -c safechunk -s h -l help -d 'print help'
complete -c safechunk -l version -d 'print the version'
complete -c safechunk -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c safechunk -n "__fish_seen_subcommand_from $commands; and not __fish_seen_subcommand_from projects" -a '(__safechunk_projects)'
complete -c safechunk -n "__fish_seen_subcommand_from quarantine; and not __fish_seen_subcommand_from list show clear" -a 'list show clear'
complete -c safechunk -n "__fish_seen_subcommand_from put get set unset merge patch update edit watch remove" -a '(__safechunk_chunks)'
complete -c safechunk -n "__fish_seen_subcommand_from append tail rotate compact" -a '(__safechunk_logs)'
complete -c safechunk -n "__fish_seen_subcommand_from append" -l one -d 'the whole input is one record'
complete -c safechunk -n "__fish_seen_subcommand_from tail" -s n -l count -r -d 'how many records'
complete -c safechunk -n "__fish_seen_subcommand_from tail" -s f -l follow -d 'go on with records that come'
complete -c safechunk -n "__fish_seen_subcommand_from compact" -l keep-last -r -d 'how many records stay'
complete -c safechunk -n "__fish_seen_subcommand_from put set unset merge patch remove" -l if-revision -r -d 'only when the chunk has this revision'
complete -c safechunk -n "__fish_seen_subcommand_from put set unset merge patch remove" -l if-absent -d 'only when there is no such chunk'
complete -c safechunk -n "__fish_seen_subcommand_from set append" -l string -d 'take the value as a string'
complete -c safechunk -n "__fish_seen_subcommand_from watch" -l every -d 'each commit'
complete -c safechunk -n "__fish_seen_subcommand_from watch" -l since -r -d 'behind the change of this number'
complete -c safechunk -n "__fish_seen_subcommand_from watch" -l count -r -d 'end after so many lines'
complete -c safechunk -n "__fish_seen_subcommand_from watch" -l timeout -r -d 'end after so many seconds'
complete -c safechunk -n "__fish_seen_subcommand_from export restore verify" -F
complete -c safechunk -n "__fish_seen_subcommand_from export" -l label -r -d 'any text'
complete -c safechunk -n "__fish_seen_subcommand_from export" -l notes -r -d 'free text'
complete -c safechunk -n "__fish_seen_subcommand_from checkpoint" -l label -r -d 'any text'
complete -c safechunk -n "__fish_seen_subcommand_from checkpoint" -l notes -r -d 'free text'
complete -c safechunk -n "__fish_seen_subcommand_from checkpoint" -l retention -r -d 'how many to keep'
complete -c safechunk -n "__fish_seen_subcommand_from checkpoint" -l keep -d 'pin it'
complete -c safechunk -n "__fish_seen_subcommand_from checkpoints" -l delete -r -d 'delete this one'
complete -c safechunk -n "__fish_seen_subcommand_from unlock" -l force -d 'remove a live legacy lock'
complete -c safechunk -n "__fish_seen_subcommand_from delete-project" -l yes -d 'delete without asking'
complete -c safechunk -n "__fish_seen_subcommand_from adopt" -l release -d 'remove what the engine has put beside the files'
complete -c safechunk -n "__fish_seen_subcommand_from adopt" -l force -d 'also checkpoints and files in quarantine'
complete -c safechunk -n "__fish_seen_subcommand_from get set unset merge patch" -a '(__fish_complete_suffix .json .jsonc)'
complete -c safechunk -n "__fish_seen_subcommand_from get set unset merge patch" -l dialect -r -a 'json jsonc' -d 'of a file: jsonc has comments'
complete -c safechunk -n "__fish_seen_subcommand_from set unset merge patch" -l no-backup -d 'do not keep the version of a file before'
complete -c safechunk -n "__fish_seen_subcommand_from set merge" -l create -d 'make a missing file'
