# needs: setarch
# host-only: in ring 0 addresses are handed out elsewhere
# The program's own faults stay its own wherever the kernel maps: with an unlimited stack far below (newer kernels) or
# upwards, and upwards where it is asked to.
(ulimit -s unlimited && exec "$PROG/handlers")
echo "unlimited stack $?"
setarch -L "$PROG/handlers"
echo "upwards $?"
