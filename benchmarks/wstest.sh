#!/bin/sh
# Puts Python 2.7 with Autobahn's suite into a folder, for `benchmarks.conformance`: `benchmarks/wstest.sh FOLDER`. Works on Debian; uses
# the packages of its release 11, the last with Python 2.7, unpacked into the folder and not installed.
set -eu
[ $# = 1 ] || { echo "usage: benchmarks/wstest.sh FOLDER"; exit 2; }
mkdir -p "$1/lists/partial" "$1/debs/partial" "$1/root" "$1/site"
folder=$(cd "$1" && pwd)
touch "$folder/status"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Component: main' | grep -v security | head -1)
echo "deb [signed-by=$keys] $mirror bullseye main" > "$folder/sources.list"

apt() {
    apt-get -qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$folder/lists" \
        -o Dir::State::status="$folder/status" -o Dir::Cache::Archives="$folder/debs" -o Dir::Cache::pkgcache= \
        -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

apt update
(cd "$folder/debs" && apt download python2.7 python2.7-minimal libpython2.7-stdlib libpython2.7-minimal libpython2.7 \
    libpython2.7-dev python2.7-dev python-setuptools python-pkg-resources libssl1.1 libffi7 libreadline8)
for package in "$folder"/debs/*.deb; do dpkg -x "$package" "$folder/root"; done

python3 -m pip download --quiet --no-deps --dest "$folder" pip==20.3.4
cat > "$folder/python" <<END
#!/bin/sh
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu PYTHONPATH=$folder/site
exec $folder/root/usr/bin/python2.7 "\$@"
END
chmod +x "$folder/python"
pip="$folder/pip-20.3.4-py2.py3-none-any.whl/pip"
"$folder/python" "$pip" install --quiet --no-deps --target "$folder/site" autobahntestsuite==0.8.2 autobahn==0.10.9 txaio==2.1.0 \
    six==1.16.0 twisted==20.3.0 zope.interface==5.5.2 constantly==15.1.0 incremental==21.3.0 Automat==20.2.0 hyperlink==21.0.0 \
    idna==2.10 typing==3.10.0.0 attrs==21.4.0 PyHamcrest==1.10.1 jinja2==2.11.3 markupsafe==1.1.1 werkzeug==1.0.1 klein==20.6.0 \
    Tubes==0.2.1 unittest2==1.1.0 traceback2==1.4.0 linecache2==1.0.0 argparse==1.4.0 setuptools==44.1.1 pyopenssl==21.0.0 \
    cryptography==3.3.2 cffi==1.15.1 pycparser==2.21 enum34==1.1.10 ipaddress==1.0.23 service_identity==18.1.0 pyasn1==0.4.8 \
    pyasn1-modules==0.2.8
touch "$folder/site/zope/__init__.py"
"$folder/python" -c "from autobahntestsuite import wstest"
echo "Now: python -m benchmarks.conformance --python27 $folder/python"
