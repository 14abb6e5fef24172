# Programs whose values are tagged: words that are no addresses, in number and by the processor's own faults. (node.sh
# is a third.)
# needs: luajit sbcl
# timeout: 120
# not-tiny: compilers that make code at run time: minutes in an emulator
n=300000
[ "$SIZE" = full ] && n=3000000
cat >t.lua <<'LUA'
local n, t, s = tonumber(arg[1]), {}, 0
for i = 1, n do t[i % 1000 + 1] = { i, ("k"):rep(i % 20), i / 3 } end
for i = 1, 1000 do if t[i] then s = s + t[i][1] + #t[i][2] end end
print(s, #table.concat((function() local r = {} for i = 1, 5000 do r[i] = tostring(i * 0.5) end return r end)()))
local ffi = require("ffi")
ffi.cdef "void *malloc(size_t); void free(void *); int snprintf(char *, size_t, const char *, ...);"
for i = 1, 20000 do
	local p = ffi.cast("char *", ffi.C.malloc(32))
	ffi.C.snprintf(p, 32, "%d", ffi.cast("int", i))
	s = s + #ffi.string(p)
	ffi.C.free(p)
end
print(s, pcall(function() return nil .. 1 end))
LUA
luajit t.lua $n
luajit -joff t.lua $((n / 10))
cat >t.lisp <<'LISP'
(let ((h (make-hash-table :test 'equal)) (s 0))
  (dotimes (i 20000) (setf (gethash (format nil "~d" (mod i 997)) h) (list i (/ i 3) (* 1.5 i))))
  (maphash (lambda (k v) (incf s (+ (length k) (first v)))) h)
  (format t "~d ~d~%" s (expt 3 200))
  (format t "~a~%" (handler-case (car (eval '(+ 1 2))) (type-error () "type-error")))
  (sb-ext:gc :full t)
  (dotimes (i 2000)
    (let ((p (sb-alien:make-alien (sb-alien:unsigned 64) 16)))
      (setf (sb-alien:deref p 3) i)
      (incf s (sb-alien:deref p 3))
      (sb-alien:free-alien p)))
  (format t "~d~%" s))
LISP
sbcl --script t.lisp
