# lua5.4: tables, closures, coroutines, string building, the collector in both modes.
# needs: lua5.4
# timeout: 90
n=20000
[ "$SIZE" = full ] && n=600000
[ "$SIZE" = tiny ] && n=1000
cat >t.lua <<'LUA'
local n = tonumber(arg[1])
collectgarbage(arg[2])
local t = {}
for i = 1, n do t[i] = { id = i, s = ("x"):rep(i % 40) .. i, k = { i, i * 2 } } end
for i = 1, n, 3 do t[i] = nil end
collectgarbage()
local c, l = 0, 0
for i = 1, n do if t[i] then c = c + 1; l = l + #t[i].s + t[i].k[2] end end
print(c, l)
local co = {}
for i = 1, 500 do co[i] = coroutine.wrap(function(a) while true do a = coroutine.yield(a * i) end end) end
local s = 0
for r = 1, 20 do for i = 1, 500 do s = s + co[i](r) end end
print(s)
local parts = {}
for i = 1, n do parts[#parts + 1] = string.format("%d:%s", i, ("%x"):format(i * 7919)) end
local text = table.concat(parts, ",")
print(#text, select(2, text:gsub("7f", "")), text:sub(-20))
table.sort(parts, function(a, b) return a:reverse() < b:reverse() end)
print(parts[1], parts[#parts // 2], parts[#parts])
local weak = setmetatable({}, { __mode = "k" })
for i = 1, n do weak[{}] = i end
collectgarbage() collectgarbage()
print(next(weak))
print(pcall(function() error({ code = 5 }) end))
local ok, e = pcall(string.rep, "x", 1 << 60)
print(ok, (e:gsub("^.-: ", "")))
LUA
sed -i 's/print(pcall(function() error({ code = 5 }) end))/print(select("#", pcall(error, {})))/' t.lua
lua5.4 t.lua $n incremental
lua5.4 t.lua $n generational
