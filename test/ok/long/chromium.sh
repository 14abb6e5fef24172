# needs: chromium
# timeout: 300
# A page as Chromium paints it, byte for byte. (Its sandbox cannot be set up by root.)
export HOME=$PWD
timeout -k 5 280 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$PWD/profile" \
	--hide-scrollbars --window-size=400,300 --screenshot="$PWD/page.png" \
	'data:text/html,<h1>h</h1><p style="color:red">red</p>' >log 2>&1
echo "status $?"
cksum <page.png
