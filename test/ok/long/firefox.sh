# needs: firefox-esr
# timeout: 300
# A page as Firefox paints it, byte for byte; it brings its own malloc and clones its children itself.
export HOME=$PWD
timeout -k 5 280 firefox-esr --headless --no-remote --screenshot "$PWD/page.png" \
	'data:text/html,<h1>h</h1><p style="color:red">red</p>' >log 2>&1
echo "status $?"
cksum <page.png
