// C++: a virtual function of a deleted object is called.
// expect: use-after-free: READ of size 8
// status: 139
#include <cstdio>

struct Shape {
	virtual double area() const = 0;
	virtual ~Shape()
	{
	}
};

struct Square : Shape {
	double side;
	explicit Square(double s) : side(s)
	{
	}
	double area() const override
	{
		return side * side;
	}
};

int main()
{
	Shape *volatile shape = new Square(3);

	delete shape;
	std::printf("area %g\n", shape->area()); // the bug
	return 0;
}
