# git: a repository with history, clone, branch, merge, rebase, gc, fsck, bundle.
# needs: git
# timeout: 90
# full-timeout: 600
# not-tiny: not tried: each process makes a virtual machine of its own there, half a second in an emulator: 80 of them
n=30
[ "$SIZE" = full ] && n=800
[ "$SIZE" = tiny ] && n=12
export HOME=$PWD GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git config --global user.email a@b.c
git config --global user.name tester
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global protocol.file.allow always
git init -q r
cd r
cp -r "$TOP"/test/bug ./src
git add . && git commit -qm first
for ((i = 0; i < n; i++)); do
	for f in src/*.c; do [ $(((${#f} + i) % 9)) = 0 ] && echo "/* $i */" >>"$f"; done
	git commit -qam "change $i"
done
git checkout -qb side HEAD~10
echo side >side && git add side && git commit -qm side
git checkout -q main && git merge -q side -m merge
git log --format=%H --all | md5sum
git blame src/uaf-list.c | md5sum
git log -p --stat | md5sum
git gc -q --aggressive --prune=now
git fsck --full --strict
git clone -q --no-local . ../c
cd ../c && git fsck && git log --format=%H | md5sum && git ls-tree -r HEAD | md5sum
git rebase -q -f --root --onto main 2>/dev/null
git checkout -q --detach origin/main
git bundle create -q ../b.bundle HEAD && git bundle verify -q ../b.bundle >/dev/null 2>&1
echo "bundle $?"
git grep -c drop | md5sum
git diff HEAD~5 | md5sum
git repack -adq --threads=2 && git count-objects -v | grep -E '^(count|in-pack|garbage)'
git archive HEAD | md5sum
